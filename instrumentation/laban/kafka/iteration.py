"""The shapes in which records are consumed: a loop over the consumer, and lists of polled records.

A process span lasts from where a record is handed out to where the next one is asked for or the loop is left.
"""

import dis
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final, Generic, TypeVar

from laban.fail_open import fail_open
from laban.kafka.spans import Consumer, ProcessSpan, start_processing

Record = TypeVar("Record")

# What a frame is doing when a loop is left by break, return, a generator that is closed, or because islice or
# zip have enough: it pops the iterator, stands at a yield, or asks for the next. An exception leaves it at
# the instruction that raised.
_LEFT_ON_PURPOSE: Final = frozenset({"FOR_ITER", "POP_TOP", "POP_ITER", "END_FOR", "YIELD_VALUE", "RESUME"})


class Handing:
    """Hands out the records of one consumer, one at a time, each inside its process span.

    Attributes:
        opened: the span of the record that is being handled, if any.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self.opened: ProcessSpan | None = None

    def start(self, record: object) -> ProcessSpan | None:
        """Start the span of a record that is about to be handled; ends the one before."""
        self.end()
        with fail_open("cannot start spans for Kafka records"):
            self.opened = start_processing(self._consumer, record)
            if self._consumer.hook is not None:
                with fail_open("cannot run consume_hook"):
                    self._consumer.hook(self.opened.span, record, (), {})
        return self.opened

    def end(self, error: BaseException | None = None) -> None:
        """End the span that is open, if any."""
        opened, self.opened = self.opened, None
        if opened is not None:
            opened.end(error)

    def finish(self, span: ProcessSpan | None) -> None:
        """End this span, if it is still the open one."""
        if span is not None and span is self.opened:
            self.end()

    def leave(self, span: ProcessSpan | None, *, failed: bool) -> None:
        """The loop is left while it handles the record of this span."""
        if failed and span is not None and span is self.opened:
            span.leave_failed()  # it stays open until somebody sees the exception
        else:
            self.finish(span)


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


class Batch(list[Record]):
    """A list of polled records; the first loop over it runs its body in the process span of each record."""

    def __init__(self, records: list[Record], handing: Handing) -> None:
        super().__init__(records)
        self._handing = handing
        self._handed = 0
        self._busy = False

    def __iter__(self) -> Iterator[Record]:
        handing = self._handing
        span: ProcessSpan | None = None
        in_for = _instruction(_caller(2)) == "FOR_ITER"
        first, self._busy = not self._busy, True  # a loop inside a loop looks at records, it handles none
        try:
            for index, record in enumerate(super().__iter__()):
                if first and index >= self._handed:
                    self._handed = index + 1
                    span = handing.start(record)
                yield record
                handing.finish(span)
        finally:
            self._busy = not first
            handing.leave(span, failed=in_for and _is_raising(_caller(2)))

    def __reduce__(self) -> tuple[type[list[Record]], tuple[list[Record]]]:
        return list, (self[:],)  # to another process goes the plain list


def _caller(depth: int) -> FrameType:
    return sys._getframe(depth)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # public in all but name


def _instruction(frame: FrameType) -> str:
    """What the frame is doing now."""
    code = frame.f_code.co_code
    return dis.opname[code[frame.f_lasti]] if 0 <= frame.f_lasti < len(code) else ""


def _is_raising(frame: FrameType) -> bool:
    return _instruction(frame) not in _LEFT_ON_PURPOSE
