"""The shapes in which records are consumed: a loop over the consumer, and lists of polled records.

A process span lasts from where a record is handed out to where the next one is asked for or the loop is left.
"""

import dis
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import FrameType
from typing import Any, Final, Generic, TypeVar

from laban.fail_open import fail_open
from laban.messaging.delivery import Handing
from laban.messaging.process_span import ProcessSpan

Record = TypeVar("Record")

# When a loop is left by an exception, its frame stands at the instruction that raised; else it pops the
# iterator, returns, stands at a yield, or asks for the next. These are the beginnings of the names of the
# instructions that raise. That has been run on CPython 3.11, 3.12 and 3.13, and on no later one. One that is
# not among them, of a later CPython say, leaves a record that was handled well: better no error than a wrong
# one. Nor is among them what may let go of an iterator by itself: storing and deleting plain names.
_RAISING: Final = (
    *("BEFORE_", "BINARY_", "BUILD_", "CALL", "CHECK_", "CLEANUP_THROW", "COMPARE_OP", "CONTAINS_OP"),
    *(
        "CONVERT_VALUE",
        "DELETE_ATTR",
        "DELETE_SUBSCR",
        "DICT_",
        "FORMAT_",
        "GET_",
        "IMPORT_",
        "LIST_",
        "LOAD_",
    ),
    *("MAP_ADD", "MATCH_", "PRECALL", "PREP_RERAISE_STAR", "RAISE_VARARGS", "RERAISE", "SEND", "SET_"),
    *("STORE_ATTR", "STORE_SLICE", "STORE_SUBSCR", "TO_BOOL", "UNARY_", "UNPACK_", "WITH_EXCEPT_START"),
)


_CACHE: Final = dis.opmap.get("CACHE", 0)


class Loop(Generic[Record]):
    """The iterator of `for record in consumer`; when the loop is left, it goes, and takes notice."""

    def __init__(
        self, consumer: Iterator[Record], handing: Handing, take: Callable[[], Record] | None = None
    ) -> None:
        """Loops over a consumer.

        Args:
            consumer: or another iterator, that starts the span of each record.
            handing: by which it does so.
            take: a shorter way to do what its `__next__` does.
        """
        self._consumer = consumer
        self._handing = handing
        self._take = take or consumer.__next__
        self._span: ProcessSpan | None = None
        self._loop: _LoopIn | None = None

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        if self._loop is None:
            self._loop = _LoopIn(_caller(2), "FOR_ITER")
        record = self._take()
        self._span = self._handing.opened
        return record

    def __getattr__(self, name: str) -> Any:
        # Code that keeps iter(consumer) to call the consumer by it.
        return getattr(self._consumer, name)

    def __del__(self) -> None:
        if self._span is not None:
            with fail_open("cannot see how loops over messages are left"):
                failed = self._loop is not None and self._loop.is_raising(_caller(2))
                self._handing.leave(self._span, failed=failed)


class AsyncLoop(Generic[Record]):
    """The iterator of `async for record in consumer`; when the loop is left, it goes, and takes notice."""

    def __init__(self, consumer: AsyncIterator[Record], handing: Handing) -> None:
        self._consumer = consumer
        self._handing = handing
        self._span: ProcessSpan | None = None
        self._loop: _LoopIn | None = None

    def __aiter__(self) -> AsyncIterator[Record]:
        return self

    def __anext__(self) -> Awaitable[Record]:
        if self._loop is None:
            self._loop = _LoopIn(_caller(2), "GET_ANEXT")
        return self._next()

    async def _next(self) -> Record:
        record = await anext(self._consumer)  # by way of getone(), which starts the span
        self._span = self._handing.opened
        return record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def __del__(self) -> None:
        if self._span is not None:
            with fail_open("cannot see how loops over messages are left"):
                raising = self._loop is not None and self._loop.is_raising(_caller(2))
                self._handing.leave(self._span, failed=raising and not _is_cancelled())


class Batch(list[Record]):
    """A list of polled records; the first loop over it runs its body in the process span of each record.

    Attributes:
        handing: starts these spans.
    """

    def __init__(self, records: list[Record], handing: Handing) -> None:
        super().__init__(records)
        self.handing = handing
        self._handed = 0
        self._busy = False

    def __iter__(self) -> Iterator[Record]:
        handing = self.handing
        span: ProcessSpan | None = None
        loop = _LoopIn(_caller(2), "FOR_ITER")
        first, self._busy = not self._busy, True  # a loop inside a loop looks at records, it handles none
        try:
            for index, record in enumerate(super().__iter__()):
                if first and index >= self._handed:
                    self._handed = index + 1
                    span = handing.start(record)
                yield record
                handing.move_on(span)
        finally:
            self._busy = not first
            handing.leave(span, failed=loop.is_raising(_caller(2)))

    def take_together(self) -> None:
        """All records are handled at once: a loop over them starts no spans any more."""
        self._handed = len(self)

    def __reduce__(self) -> tuple[type[list[Record]], tuple[list[Record]]]:
        return list, (self[:],)  # to another process goes the plain list


def _caller(depth: int) -> FrameType:
    return sys._getframe(depth)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # public in all but name


def _is_cancelled() -> bool:
    """Whether it is a cancellation that leaves the loop: nothing that the handler did wrong."""
    import asyncio  # there by now; what consumes without it need not load it

    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _LoopIn:
    """Where a loop runs: in the code of the frame that asks for its first record, if by this instruction."""

    def __init__(self, frame: FrameType, asking: str) -> None:
        self._code = frame.f_code if _instruction(frame) == asking else None

    def is_raising(self, frame: FrameType) -> bool:
        """Whether it is the frame of the loop that lets go of it, and because of an exception.

        A generator that is closed lets go while its own frame is gone already (since CPython 3.13).
        """
        return frame.f_code is self._code and _instruction(frame).startswith(_RAISING)


def _instruction(frame: FrameType) -> str:
    """What the frame is doing now."""
    # Neither specialised nor instrumented (by coverage or a debugger): co_code has the plain instructions.
    code = frame.f_code.co_code
    at = frame.f_lasti
    if not 0 <= at < len(code):
        return ""
    # Of an instruction that runs a generator in line (CPython 3.12) the frame stands at one of its caches.
    while at > 0 and code[at] == _CACHE:
        at -= 2
    return dis.opname[code[at]].removeprefix("INSTRUMENTED_")
