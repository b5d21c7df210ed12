"""The shapes in which records are consumed: a loop over the consumer, and lists of polled records.

A process span lasts from where a record is handed out to where the next one is asked for or the loop is left.
"""

import dis
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from types import FrameType
from typing import Any, Final, Generic, TypeVar

from laban.fail_open import fail_open
from laban.kafka.handing import Handing
from laban.kafka.spans import ProcessSpan

Record = TypeVar("Record")

# What a frame is doing when a loop is left by break, return, a generator that is closed, or because islice or
# zip have enough: it pops the iterator, stands at a yield, or asks for the next. A coroutine that is closed
# stands at a yield, too. An exception leaves it at the instruction that raised.
_LEFT_ON_PURPOSE: Final = frozenset({"FOR_ITER", "POP_TOP", "POP_ITER", "END_FOR", "YIELD_VALUE", "RESUME"})


class Loop(Generic[Record]):
    """The iterator of `for record in consumer`; when the loop is left, it goes, and takes notice."""

    def __init__(self, consumer: Iterator[Record], handing: Handing) -> None:
        self._consumer = consumer
        self._handing = handing
        self._span: ProcessSpan | None = None
        self._in_for: bool | None = None

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        if self._in_for is None:
            self._in_for = _instruction(_caller(2)) == "FOR_ITER"
        record = next(self._consumer)  # wrapped: it starts the span
        self._span = self._handing.opened
        return record

    def __getattr__(self, name: str) -> Any:
        # Code that keeps iter(consumer) to call the consumer by it.
        return getattr(self._consumer, name)

    def __del__(self) -> None:
        if self._span is not None:
            with fail_open("cannot see how Kafka loops are left"):
                self._handing.leave(self._span, failed=bool(self._in_for) and _is_raising(_caller(2)))


class AsyncLoop(Generic[Record]):
    """The iterator of `async for record in consumer`; when the loop is left, it goes, and takes notice."""

    def __init__(self, consumer: AsyncIterator[Record], handing: Handing) -> None:
        self._consumer = consumer
        self._handing = handing
        self._span: ProcessSpan | None = None
        self._in_for: bool | None = None

    def __aiter__(self) -> AsyncIterator[Record]:
        return self

    def __anext__(self) -> Awaitable[Record]:
        if self._in_for is None:
            self._in_for = _instruction(_caller(2)) == "GET_ANEXT"
        return self._next()

    async def _next(self) -> Record:
        record = await anext(self._consumer)  # by way of getone(), which starts the span
        self._span = self._handing.opened
        return record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def __del__(self) -> None:
        if self._span is not None:
            with fail_open("cannot see how Kafka loops are left"):
                raising = bool(self._in_for) and _is_raising(_caller(2))
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
        in_for = _instruction(_caller(2)) == "FOR_ITER"
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
            handing.leave(span, failed=in_for and _is_raising(_caller(2)))

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


def _instruction(frame: FrameType) -> str:
    """What the frame is doing now."""
    code = frame.f_code.co_code
    return dis.opname[code[frame.f_lasti]] if 0 <= frame.f_lasti < len(code) else ""


def _is_raising(frame: FrameType) -> bool:
    return _instruction(frame) not in _LEFT_ON_PURPOSE
