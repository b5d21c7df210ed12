"""The process span: one a record, current while the record is handled, ended exactly once.

Its parent is the span that sent the record; a span that is current where the record is taken is a link.
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
from laban.fail_open import failed, failing_open
from laban.messaging.headers import extract
from laban.messaging.records import Consumer, Message, Place, process_attributes
from laban.sdk.context_keys import with_span


class ProcessSpan:
    """The span of one record that is being handled, and the context that it replaced.

    Attributes:
        record: what is handled; a list of records for a batch.
        place: where the record is; None for a batch.
        context: in which it is handled.
        sent: the context in which the record was sent; of a batch, that of its parent.
        thread: that started it.
        left: whether the handler was left by an exception that has not been seen yet.
        done: whether it has ended.
    """

    __slots__ = (
        *("span", "record", "place", "sent", "context", "thread", "left", "done"),
        *("_ambient", "_outer", "_end_ns", "_failure", "_holders", "_end_wanted"),
    )

    def __init__(
        self, span: Span, record: object, place: Place | None, sent: context.Context, *, current: bool = True
    ) -> None:
        self.span = span
        self.record = record
        self.place = place
        self.sent = sent
        self.context = own = with_span(span, sent)
        self.thread = threading.get_ident()
        self.left = False
        self.done = False
        self._ambient = context.get_current()
        self._outer = _current.get()
        self._end_ns: int | None = None
        self._failure: BaseException | None = None
        self._holders = 0
        self._end_wanted = not current  # who holds it is who handles it
        if current:
            context.attach(own)
            _current.set(self)
        _open.add(self)
        _of_record[id(record)] = self

    @failing_open("cannot record errors of handlers of messages")
    def fail(self, error: BaseException) -> None:
        """Record what the handler raised; it stays open."""
        if error is self._failure or self.done:
            return
        self._failure = error
        self.span.record_exception(error)
        self.span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
        self.span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")

    def end(self, error: BaseException | None = None, *, even_if_held: bool = False) -> None:
        """End it, and make current again what was; only the first call counts.

        A span that is held ends with the block that holds it.
        """
        try:
            if error is not None and isinstance(error, Exception):
                self.fail(error)
            with _lock:
                if self.done:
                    return
                self._end_wanted = True
                self.done = ends = even_if_held or not self._holders
            if _current.get() is self:
                self._release()
            if ends:
                _open.discard(self)
                if _of_record.get(id(self.record)) is self:
                    del _of_record[id(self.record)]
                self.span.end(self._end_ns)
        except Exception as unexpected:  # noqa: BLE001 - as fail_open, for less
            failed("cannot end spans of messages", unexpected)

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep it open and current for a block, in whatever thread, and record what the block raises."""
        with _lock:
            self._holders += 1
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
                self._holders -= 1
            if self._end_wanted:
                self.end()

    def pause(self) -> None:
        """The loop has moved on: fix the end and make current again what was.

        Whoever holds it from now on ends it, with the later end; else the next call of `end` does.
        """
        with _lock:
            self._end_wanted = True
            self._end_ns = None if self._holders else time.time_ns()
        self._release()

    def leave_failed(self) -> None:
        """The handler was left by an exception that cannot be seen from where we are.

        The end is fixed now; who sees the exception first (an excepthook, `close` in a `finally`, a log call)
        ends it with that. Without one, the next call of the consumer or the end of the process does.
        """
        if not self.done:
            self.left = True
            self.pause()
            self.span.set_attribute(vocabulary.ERROR_TYPE, vocabulary.ERROR_TYPE_OTHER)
            self.span.set_status(StatusCode.ERROR, "the handler raised")

    def _release(self) -> None:
        if _current.get() is not self:
            return  # another thread or task, or not the innermost: nothing of ours is current here
        # Consumers that take turns end out of order: what they enclosed may be over by now.
        oldest = self
        while oldest._outer is not None and oldest._outer.done:
            oldest = oldest._outer
        _current.set(oldest._outer)  # noqa: SLF001
        context.attach(oldest._ambient)  # noqa: SLF001


# Short: a handler in an executor may take up a span just when the loop moves on.
_lock = threading.Lock()
_current: Final[ContextVar[ProcessSpan | None]] = ContextVar("laban-process-span", default=None)
_open: Final[set[ProcessSpan]] = set()
# By identity: equal records are not the same. The span holds its record, so the id stays its own.
_of_record: Final[dict[int, ProcessSpan]] = {}


def current() -> ProcessSpan | None:
    """The process span of the record that is handled here, if any."""
    span = _current.get()
    return span if span in _open else None


def open_spans() -> list[ProcessSpan]:
    """All process spans of this process that have not ended."""
    return list(_open)


def of_record(record: object) -> ProcessSpan | None:
    """The open process span of this record, if any."""
    return _of_record.get(id(record))


def end_all() -> None:
    """End all open process spans; for the end of the process."""
    for span in open_spans():
        span.end(even_if_held=True)


def forget_all() -> None:
    """Leave the open process spans to the process that this one was forked from."""
    global _lock
    # Another thread may have held it just then, and does not run here.
    _lock = threading.Lock()
    for span in open_spans():
        span.done = True
    _open.clear()
    _of_record.clear()


def start_processing(consumer: Consumer, record: object, *, current: bool = True) -> ProcessSpan | None:
    """Start the process span of a record, and make it current unless told otherwise; None for no record."""
    message = consumer.read(record)
    if message is None:
        return None
    here = context.get_current()
    # Where nothing is current, as in most loops, there is nothing to link to.
    ambient = trace.get_current_span(here).get_span_context() if here else trace.INVALID_SPAN_CONTEXT
    parent = sent_context(message)
    span = consumer.tracer.start_span(
        f"process {message.topic}",
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes=process_attributes(consumer, message),
        links=[Link(ambient)] if ambient.is_valid else None,
    )
    place = (message.topic, message.partition, message.offset)
    return ProcessSpan(span, record, place, parent, current=current)


def sent_context(message: Message) -> context.Context:
    """The context in which the record was sent, and nothing of what is current here."""
    here = context.get_current()
    # Where nothing is current, as in most loops, there is nothing to take out.
    base = trace.set_span_in_context(trace.INVALID_SPAN, baggage.clear(here)) if here else here
    return extract(message.headers, base)
