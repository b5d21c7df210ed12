"""Hands out the records of one consumer, each inside its process span."""

import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from types import FrameType
from typing import Final, NamedTuple
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.context import Context

from laban.business_keys.correlation import Correlations, correlations_of, remember
from laban.fail_open import fail_open, failed, failing_open
from laban.messaging.process_span import ProcessSpan, start_processing
from laban.messaging.records import Consumer, Place

MAX_WAITING: Final = 1_000
"""Records that were handed out, and whose handler may start later."""
LONGEST_WAIT_NS: Final = 60 * 1_000_000_000
"""A record that nobody has handled in a block of `processing` by then was handled where it was taken."""


class Handed(NamedTuple):
    """A record whose process span has ended: not the span itself, which would be a lot to keep a thousand of.

    Attributes:
        sent: the context in which the record was sent.
        span_context: of its process span.
        correlations: the business keys of its trace, as known here.
        handing: that has handed it out.
    """

    sent: Context
    span_context: trace.SpanContext
    correlations: Correlations | None
    handing: "Handing"

    @property
    def context(self) -> Context:
        """In which it was handled."""
        span = trace.NonRecordingSpan(self.span_context)
        if self.correlations is not None:
            remember(span, self.correlations)
        return trace.set_span_in_context(span, self.sent)


# Places, not records: a record may be large, and not every client's can be referred to weakly.
_handed: Final[OrderedDict[Place, Handed]] = OrderedDict()


def handed_out(place: Place) -> Handed | None:
    """The ended process span of the record at this place, if it was one of the last MAX_WAITING."""
    return _handed.get(place)


def called_by_executor() -> bool:
    """Whether an executor calls the client itself (`run_in_executor(poll)`): the handler is elsewhere."""
    if threading.get_ident() == threading.main_thread().ident:
        return False  # no executor's; said at once, for it is where most consumers run
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # public in all but name
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(_CLIENTS):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") == "concurrent.futures.thread"


_CLIENTS: Final = ("confluent_kafka.", "kafka.", "laban.messaging.", "wrapt.")


_CANNOT_END: Final = "cannot end spans of messages"
_ending: Final = failing_open(_CANNOT_END)


class Handing:
    """Hands out the records of one consumer, one at a time for each thread or task that takes them.

    Attributes:
        consumer: what its spans have in common.
        handled_later: whether the program handles records in blocks of `processing` after the loop has moved
            on; known from the first time. Spans are then kept open for these blocks.
    """

    def __init__(self, consumer: Consumer, owner: Callable[[], object]) -> None:
        """`owner` answers who takes records now: a thread, a task, or always the same."""
        self.consumer = consumer
        self.handled_later = False
        self._owner = owner
        self._opened: dict[object, ProcessSpan] = {}
        self._waiting: deque[tuple[int, ProcessSpan]] = deque()
        self._known: WeakSet[object] = WeakSet()

    @property
    def opened(self) -> ProcessSpan | None:
        """The span of the record that is being handled here, if any."""
        return self._opened.get(self._owner())

    def start(
        self, record: object, *, owner: object = None, current: bool = True, hook: bool = True
    ) -> ProcessSpan | None:
        """Start the span of a record that is about to be handled; ends the one before.

        Args:
            record: as the client hands it out.
            owner: who takes it; None asks.
            current: whether the handler runs where we are.
            hook: whether to call the user's hook.
        """
        try:
            owner = self._owner() if owner is None else owner
            if owner in self._opened:
                self.end(owner=owner)
            span = self._begin(record, current=current)
            if span is None:
                return None
            self._opened[owner] = span
            if hook and self.consumer.hook is not None:
                with fail_open("cannot run consume_hook"):
                    self.consumer.hook(span.span, record, (), {})
        except Exception as error:  # noqa: BLE001 - as fail_open, for less
            failed("cannot start spans of messages", error)
            return None
        return span

    def _begin(self, record: object, *, current: bool) -> ProcessSpan | None:
        return start_processing(self.consumer, record, current=current)

    def end(self, error: BaseException | None = None, *, owner: object = None) -> None:
        """End the span that is open here, if any: by the next call of the consumer."""
        try:
            span = self._opened.pop(self._owner() if owner is None else owner, None)
            if span is not None:
                self._close(span, error)
            if self._waiting:
                self._end_old()
        except Exception as unexpected:  # noqa: BLE001 - as fail_open, for less
            failed(_CANNOT_END, unexpected)

    @_ending
    def end_all(self, error: BaseException | None = None) -> None:
        """End all spans: the consumer closes. The error is that of the record that is handled here."""
        self.end(error)
        while self._opened:
            self._close(self._opened.popitem()[1], None)
        while self._waiting:
            self._waiting.popleft()[1].end()

    def first_of(self, owner: object) -> bool:
        """Whether this owner, a task, takes its first record."""
        if owner in self._known:
            return False
        self._known.add(owner)
        return True

    @_ending
    def move_on(self, span: ProcessSpan | None) -> None:
        """The loop is done with the record of this span, or was left on purpose."""
        for owner, opened in list(self._opened.items()):
            if opened is span:
                del self._opened[owner]
                self._close(opened, None)

    @_ending
    def leave(self, span: ProcessSpan | None, *, failed: bool) -> None:
        """The loop is left while it handles the record of this span."""
        if failed and span is not None and span in self._opened.values():
            span.leave_failed()  # it stays open until somebody sees the exception
        else:
            self.move_on(span)

    def _close(self, span: ProcessSpan, error: BaseException | None) -> None:
        if span.place is not None:
            own = span.span
            _remember(span.place, Handed(span.sent, own.get_span_context(), correlations_of(own), self))
        if self.handled_later and error is None and not (span.left or span.done):
            span.pause()
            self._waiting.append((time.monotonic_ns(), span))
        else:
            span.end(error)

    def _end_old(self) -> None:
        """End those that nobody has taken up."""
        waiting = self._waiting
        while waiting and (
            waiting[0][1].done
            or len(waiting) > MAX_WAITING
            or time.monotonic_ns() - waiting[0][0] > LONGEST_WAIT_NS
        ):
            waiting.popleft()[1].end()


def _remember(place: Place, handed: Handed) -> None:
    # Each step is atomic, and threads that come in between do no harm: no lock a record.
    _handed.pop(place, None)  # a record that is read again becomes the newest
    _handed[place] = handed
    if len(_handed) > MAX_WAITING:
        _handed.popitem(last=False)
