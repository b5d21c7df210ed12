"""The process span of a message: current while the message is handled, and ended exactly once.

Its parent is the span that sent the message. The span that is current on receipt becomes a link.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from opentelemetry import baggage, context, trace
from opentelemetry.trace import Link, Span, SpanKind, StatusCode

from laban import vocabulary
from laban.fail_open import failing_open, report_failure
from laban.messaging.headers import extract
from laban.messaging.records import ConsumedRecord, ConsumerSettings, RecordPosition, process_attributes
from laban.sdk.context_values import with_span


class ProcessSpan:
    """The open span of one record, and the context that it replaced.

    Attributes:
        record: the client library's record; a list of records for a batch.
        position: of the record; None for a batch.
        producer_context: the context in which the record was sent; for a batch, the context of its parent.
        context: the context in which the record is handled.
        thread: the thread that started the span.
        awaits_error: whether the handler raised an exception that is not visible yet.
        done: whether the span has ended.
    """

    __slots__ = (
        *("span", "record", "position", "producer_context", "context", "thread", "awaits_error", "done"),
        *("_previous_context", "_outer_span", "_end_ns", "_failure", "_keepers", "_end_requested"),
    )

    def __init__(
        self,
        span: Span,
        record: object,
        position: RecordPosition | None,
        producer_context: context.Context,
        *,
        current: bool = True,
    ) -> None:
        self.span = span
        self.record = record
        self.position = position
        self.producer_context = producer_context
        self.context = own = with_span(span, producer_context)
        self.thread = threading.get_ident()
        self.awaits_error = False
        self.done = False
        self._previous_context = context.get_current()
        self._outer_span = _current.get()
        self._end_ns: int | None = None
        self._failure: BaseException | None = None
        self._keepers = 0
        self._end_requested = not current  # then the block that keeps it open is its handler
        if current:
            context.attach(own)
            _current.set(self)
        _open.add(self)
        _of_record[id(record)] = self

    @failing_open("cannot record errors of message handlers")
    def fail(self, error: BaseException) -> None:
        """Record an exception of the handler, and stay open."""
        if error is self._failure or self.done:
            return
        self._failure = error
        self.span.record_exception(error)
        self.span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
        self.span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")

    def end(self, error: BaseException | None = None, *, force: bool = False) -> None:
        """End the span and restore the previous context. Only the first call has an effect.

        If a `kept_open` block runs, the span ends with that block, unless `force` is set.
        """
        try:
            if error is not None and isinstance(error, Exception):
                self.fail(error)
            with _lock:
                if self.done:
                    return
                self._end_requested = True
                self.done = ends = force or not self._keepers
            if _current.get() is self:
                self._restore_context()
            if ends:
                _open.discard(self)
                if _of_record.get(id(self.record)) is self:
                    del _of_record[id(self.record)]
                self.span.end(self._end_ns)
        except Exception as unexpected:  # noqa: BLE001 - like fail_open, but cheaper
            report_failure("cannot end spans of messages", unexpected)

    @contextmanager
    def kept_open(self) -> Generator[None]:
        """Keep the span open and current during a block, in any thread, and record what the block raises."""
        with _lock:
            self._keepers += 1
            self._end_ns = None
        token = context.attach(self.context)
        try:
            yield
        except Exception as error:
            self.fail(error)
            raise
        finally:
            context.detach(token)
            with _lock:
                self._keepers -= 1
            if self._end_requested:
                self.end()

    def pause(self) -> None:
        """Fix the end time and restore the previous context, because the loop has moved on.

        A later `kept_open` block ends the span at a later time; otherwise the next call of `end` does.
        """
        with _lock:
            self._end_requested = True
            self._end_ns = None if self._keepers else time.time_ns()
        self._restore_context()

    def pause_failed(self) -> None:
        """Pause the span because the handler raised an exception that is not visible here.

        The first place that sees the exception (an excepthook, `close` in a `finally`, a log call) ends the
        span with it. Otherwise the next call of the consumer or the end of the process ends the span.
        """
        if not self.done:
            self.awaits_error = True
            self.pause()
            self.span.set_attribute(vocabulary.ERROR_TYPE, vocabulary.ERROR_TYPE_OTHER)
            self.span.set_status(StatusCode.ERROR, "the handler raised")

    def _restore_context(self) -> None:
        if _current.get() is not self:
            return  # another thread or task, or not the innermost span: there is nothing to restore here
        # Consumers that take turns end their spans out of order, so outer spans may have ended already.
        oldest = self
        while oldest._outer_span is not None and oldest._outer_span.done:
            oldest = oldest._outer_span
        _current.set(oldest._outer_span)  # noqa: SLF001
        context.attach(oldest._previous_context)  # noqa: SLF001


# Held only briefly. A handler in an executor may keep a span open at the moment when the loop moves on.
_lock = threading.Lock()
_current: Final[ContextVar[ProcessSpan | None]] = ContextVar("laban-process-span", default=None)
_open: Final[set[ProcessSpan]] = set()
# By identity, because equal records are not the same. The span refers to its record, so the id stays unique.
_of_record: Final[dict[int, ProcessSpan]] = {}


def current() -> ProcessSpan | None:
    """The process span of the record that is handled here, if any."""
    span = _current.get()
    return span if span in _open else None


def open_spans() -> list[ProcessSpan]:
    """All open process spans of this process."""
    return list(_open)


def of_record(record: object) -> ProcessSpan | None:
    """The open process span of this record, if any."""
    return _of_record.get(id(record))


def end_all() -> None:
    """End all open process spans, at the end of the process."""
    for span in open_spans():
        span.end(force=True)


def forget_all() -> None:
    """Forget all open process spans, in a forked child; its parent ends them."""
    global _lock
    # Another thread, which does not exist in the child, may have held the lock at the fork.
    _lock = threading.Lock()
    for span in open_spans():
        span.done = True
    _open.clear()
    _of_record.clear()


def start_processing(
    settings: ConsumerSettings, record: object, *, current: bool = True
) -> ProcessSpan | None:
    """Start the process span of a record, and make it current by default; None for an error report."""
    consumed = settings.read(record)
    if consumed is None:
        return None
    here = context.get_current()
    # In most loops the context is empty, so there is nothing to link to.
    ambient = trace.get_current_span(here).get_span_context() if here else trace.INVALID_SPAN_CONTEXT
    parent = producer_context(consumed)
    span = settings.tracer.start_span(
        f"process {consumed.topic}",
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes=process_attributes(settings, consumed),
        links=[Link(ambient)] if ambient.is_valid else None,
    )
    return ProcessSpan(span, record, consumed.position, parent, current=current)


def producer_context(record: ConsumedRecord) -> context.Context:
    """The context in which the record was sent, without the current span and baggage."""
    here = context.get_current()
    # In most loops the context is empty, so there is nothing to remove.
    base = trace.set_span_in_context(trace.INVALID_SPAN, baggage.clear(here)) if here else here
    return extract(record.headers, base)
