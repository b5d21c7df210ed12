"""Iterators for loops over a consumer and over polled records, which see when and how a loop is left.

A process span lasts from the delivery of a record until the loop requests the next record or is left.
"""

import dis
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import FrameType
from typing import Any, Final, Generic, TypeVar

from laban.fail_open import fail_open
from laban.messaging.delivery import Delivery
from laban.messaging.process_span import ProcessSpan

Record = TypeVar("Record")

# When an exception leaves a loop, the current instruction of the loop's frame is the one that raised.
# Otherwise it pops the iterator, returns, yields, or requests the next record. These are the prefixes of the
# names of the instructions that can raise, tested on CPython 3.11 to 3.14 only. An unknown instruction, of a
# later CPython say, counts as success: a missing error is better than a wrong one. Stores
# to and deletions of plain names are not listed, because they can release the iterator themselves.
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
    """The iterator of `for record in consumer`. Leaving the loop deletes it, which ends the span."""

    def __init__(
        self, consumer: Iterator[Record], delivery: Delivery, receive: Callable[[], Record] | None = None
    ) -> None:
        """Iterates over a consumer.

        Args:
            consumer: the consumer or another iterator; it starts the span of each record.
            delivery: the delivery that it starts spans with.
            receive: a faster equivalent of its `__next__`.
        """
        self._consumer = consumer
        self._delivery = delivery
        self._receive = receive or consumer.__next__
        self._span: ProcessSpan | None = None
        self._loop: _LoopFrame | None = None

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        if self._loop is None:
            self._loop = _LoopFrame(_caller(2), "FOR_ITER")
        record = self._receive()
        self._span = self._delivery.open_span
        return record

    def __getattr__(self, name: str) -> Any:
        # For code that keeps iter(consumer) and calls the consumer's methods on it.
        return getattr(self._consumer, name)

    def __del__(self) -> None:
        if self._span is not None:
            with fail_open("cannot detect the end of loops over messages"):
                failed = self._loop is not None and self._loop.is_raising(_caller(2))
                self._delivery.leave_loop(self._span, failed=failed)


class AsyncLoop(Generic[Record]):
    """The iterator of `async for record in consumer`. Leaving the loop deletes it, which ends the span."""

    def __init__(self, consumer: AsyncIterator[Record], delivery: Delivery) -> None:
        self._consumer = consumer
        self._delivery = delivery
        self._span: ProcessSpan | None = None
        self._loop: _LoopFrame | None = None

    def __aiter__(self) -> AsyncIterator[Record]:
        return self

    def __anext__(self) -> Awaitable[Record]:
        if self._loop is None:
            self._loop = _LoopFrame(_caller(2), "GET_ANEXT")
        return self._next()

    async def _next(self) -> Record:
        record = await anext(self._consumer)  # calls getone(), which starts the span
        self._span = self._delivery.open_span
        return record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def __del__(self) -> None:
        if self._span is not None:
            with fail_open("cannot detect the end of loops over messages"):
                raising = self._loop is not None and self._loop.is_raising(_caller(2))
                self._delivery.leave_loop(self._span, failed=raising and not _is_cancelled())


class PolledRecords(list[Record]):
    """A list of polled records. The first loop over it runs its body in the process span of each record.

    Attributes:
        delivery: starts these spans.
    """

    def __init__(self, records: list[Record], delivery: Delivery) -> None:
        super().__init__(records)
        self.delivery = delivery
        self._delivered_count = 0
        self._busy = False

    def __iter__(self) -> Iterator[Record]:
        delivery = self.delivery
        span: ProcessSpan | None = None
        loop = _LoopFrame(_caller(2), "FOR_ITER")
        first, self._busy = (
            not self._busy,
            True,
        )  # a nested loop over the same list reads records but handles none
        try:
            for index, record in enumerate(super().__iter__()):
                if first and index >= self._delivered_count:
                    self._delivered_count = index + 1
                    span = delivery.start(record)
                yield record
                delivery.finish(span)
        finally:
            self._busy = not first
            delivery.leave_loop(span, failed=loop.is_raising(_caller(2)))

    def mark_all_delivered(self) -> None:
        """Make later loops start no spans, because all records are handled together."""
        self._delivered_count = len(self)

    def __reduce__(self) -> tuple[type[list[Record]], tuple[list[Record]]]:
        return list, (self[:],)  # pickle as a plain list


def _caller(depth: int) -> FrameType:
    return sys._getframe(depth)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # a documented function


def _is_cancelled() -> bool:
    """Whether a cancellation leaves the loop, which is not an error of the handler."""
    import asyncio  # already loaded here; sync consumers need not load it

    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _LoopFrame:
    """The code that runs a loop: of the frame that requests the first record with this instruction."""

    def __init__(self, frame: FrameType, request: str) -> None:
        self._code = frame.f_code if _instruction(frame) == request else None

    def is_raising(self, frame: FrameType) -> bool:
        """Whether this frame is the loop's and an exception leaves the loop.

        If a generator is closed, its own frame no longer exists at this point (since CPython 3.13).
        """
        return frame.f_code is self._code and _instruction(frame).startswith(_RAISING)


def _instruction(frame: FrameType) -> str:
    """The name of the frame's current instruction."""
    # co_code has the plain instructions, neither specialised nor instrumented (by coverage or a debugger).
    code = frame.f_code.co_code
    at = frame.f_lasti
    if not 0 <= at < len(code):
        return ""
    # While an instruction runs a generator inline (CPython 3.12), the offset is that of one of its cache
    # entries.
    while at > 0 and code[at] == _CACHE:
        at -= 2
    return dis.opname[code[at]].removeprefix("INSTRUMENTED_")
