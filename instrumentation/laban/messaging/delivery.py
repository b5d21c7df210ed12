"""Delivers the records of one consumer to its handlers, each record inside its process span."""

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

from laban.business_keys.correlation import Correlations, attach_correlations, correlations_of
from laban.fail_open import fail_open, failing_open, report_failure
from laban.messaging.process_span import ProcessSpan, start_processing
from laban.messaging.records import ConsumerSettings, RecordPosition

MAX_DELIVERED: Final = 1_000
"""Limit of delivered records whose handlers may still start."""
MAX_PAUSE_NS: Final = 60 * 1_000_000_000
"""If no block of `processing` handles a record within this time, its loop has handled it."""


class DeliveredRecord(NamedTuple):
    """A record whose process span has ended. The span itself would take too much memory to keep.

    Attributes:
        producer_context: the context in which the record was sent.
        span_context: of its process span.
        correlations: the business keys of its trace.
        delivery: the delivery that it came from.
    """

    producer_context: Context
    span_context: trace.SpanContext
    correlations: Correlations | None
    delivery: "Delivery"

    @property
    def context(self) -> Context:
        """The context in which the record was handled."""
        span = trace.NonRecordingSpan(self.span_context)
        if self.correlations is not None:
            attach_correlations(span, self.correlations)
        return trace.set_span_in_context(span, self.producer_context)


# Keyed by position: a record may be large, and not all clients' records support weak references.
_delivered: Final[OrderedDict[RecordPosition, DeliveredRecord]] = OrderedDict()


def delivered_record(position: RecordPosition) -> DeliveredRecord | None:
    """The record at this position if its process span is among the last MAX_DELIVERED that ended."""
    return _delivered.get(position)


def called_by_executor() -> bool:
    """Whether an executor calls the client (`run_in_executor(poll)`), so that the handler runs elsewhere."""
    if threading.get_ident() == threading.main_thread().ident:
        return False  # not an executor's thread; a quick exit, because most consumers run here
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # a documented function
    while frame is not None and str(frame.f_globals.get("__name__")).startswith(_CLIENTS):
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") == "concurrent.futures.thread"


_CLIENTS: Final = ("confluent_kafka.", "kafka.", "laban.messaging.", "wrapt.")


_CANNOT_END: Final = "cannot end spans of messages"
_ending: Final = failing_open(_CANNOT_END)


class Delivery:
    """Delivers the records of one consumer, one record at a time to each thread or task (the owner).

    Attributes:
        settings: what all process spans of the consumer share.
        handled_after_loop: whether the program handles records in blocks of `processing` after the loop has
            moved on. Set by the first such block. From then on, spans stay open for these blocks.
    """

    def __init__(self, settings: ConsumerSettings, owner: Callable[[], object]) -> None:
        """`owner` returns the current receiver of records: a thread, a task, or always the same object."""
        self.settings = settings
        self.handled_after_loop = False
        self._owner = owner
        self._open_spans: dict[object, ProcessSpan] = {}
        self._paused: deque[tuple[int, ProcessSpan]] = deque()
        self._known_owners: WeakSet[object] = WeakSet()

    @property
    def open_span(self) -> ProcessSpan | None:
        """The span of the record that the current owner handles, if any."""
        return self._open_spans.get(self._owner())

    def start(
        self, record: object, *, owner: object = None, current: bool = True, hook: bool = True
    ) -> ProcessSpan | None:
        """Start the span of a record that is about to be handled. Ends the previous span of the owner.

        Args:
            record: a record of the client library.
            owner: the receiver; None means the current owner.
            current: whether the handler runs in the current context.
            hook: whether to call the user's hook.
        """
        try:
            owner = self._owner() if owner is None else owner
            if owner in self._open_spans:
                self.end(owner=owner)
            span = self._start_span(record, current=current)
            if span is None:
                return None
            self._open_spans[owner] = span
            if hook and self.settings.hook is not None:
                with fail_open("cannot run consume_hook"):
                    self.settings.hook(span.span, record, (), {})
        except Exception as error:  # noqa: BLE001 - like fail_open, but cheaper
            report_failure("cannot start spans of messages", error)
            return None
        return span

    def _start_span(self, record: object, *, current: bool) -> ProcessSpan | None:
        return start_processing(self.settings, record, current=current)

    def end(self, error: BaseException | None = None, *, owner: object = None) -> None:
        """End the open span of the owner, if any: the consumer is called again."""
        try:
            span = self._open_spans.pop(self._owner() if owner is None else owner, None)
            if span is not None:
                self._close(span, error)
            if self._paused:
                self._end_abandoned()
        except Exception as unexpected:  # noqa: BLE001 - like fail_open, but cheaper
            report_failure(_CANNOT_END, unexpected)

    @_ending
    def end_all(self, error: BaseException | None = None) -> None:
        """End all spans because the consumer closes. The error belongs to the current owner's record."""
        self.end(error)
        while self._open_spans:
            self._close(self._open_spans.popitem()[1], None)
        while self._paused:
            self._paused.popleft()[1].end()

    def is_first_record_of(self, owner: object) -> bool:
        """Whether this owner, a task, receives its first record."""
        if owner in self._known_owners:
            return False
        self._known_owners.add(owner)
        return True

    @_ending
    def finish(self, span: ProcessSpan | None) -> None:
        """End the span of a record: its loop has moved on, or was left on purpose."""
        for owner, open_span in list(self._open_spans.items()):
            if open_span is span:
                del self._open_spans[owner]
                self._close(open_span, None)

    @_ending
    def leave_loop(self, span: ProcessSpan | None, *, failed: bool) -> None:
        """Handle the end of a loop while it handles the record of this span."""
        if failed and span is not None and span in self._open_spans.values():
            span.pause_failed()  # stays open until the exception becomes visible
        else:
            self.finish(span)

    def _close(self, span: ProcessSpan, error: BaseException | None) -> None:
        if span.position is not None:
            own = span.span
            delivered = DeliveredRecord(
                span.producer_context, own.get_span_context(), correlations_of(own), self
            )
            _store(span.position, delivered)
        if self.handled_after_loop and error is None and not (span.awaits_error or span.done):
            span.pause()
            self._paused.append((time.monotonic_ns(), span))
        else:
            span.end(error)

    def _end_abandoned(self) -> None:
        """End the paused spans that no handler continues."""
        paused = self._paused
        while paused and (
            paused[0][1].done
            or len(paused) > MAX_DELIVERED
            or time.monotonic_ns() - paused[0][0] > MAX_PAUSE_NS
        ):
            paused.popleft()[1].end()


def _store(position: RecordPosition, record: DeliveredRecord) -> None:
    # Each step is atomic, and interleaved threads do no harm. So no lock is taken per record.
    _delivered.pop(position, None)  # a record that is read again becomes the newest
    _delivered[position] = record
    if len(_delivered) > MAX_DELIVERED:
        _delivered.popitem(last=False)
