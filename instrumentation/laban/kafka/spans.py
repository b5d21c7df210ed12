"""The process span: one a record, current while the record is handled, ended exactly once.

Its parent is the span that sent the record; a span that is current where the record is taken is a link.
"""

import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from opentelemetry import baggage, context, trace
from opentelemetry.trace import Link, Span, SpanKind, StatusCode, Tracer

from laban import vocabulary
from laban.fail_open import failing_open
from laban.kafka.headers import Headers, extract, origin_attributes

MAX_KEY_LENGTH: Final = 256
"""Characters of a message key that are recorded."""

PROCESS_ATTRIBUTES: Final[Mapping[str, Any]] = {
    vocabulary.MESSAGING_SYSTEM: vocabulary.KAFKA,
    vocabulary.MESSAGING_OPERATION_NAME: "process",
    vocabulary.MESSAGING_OPERATION_TYPE: "process",
}
"""What every process span says."""


class Message(NamedTuple):
    """A consumed record, whichever client it comes from.

    Attributes:
        timestamp_ms: since the epoch, or negative when unknown.
        size: of the body in bytes; None for a tombstone.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: object
    headers: Headers
    size: int | None


class Consumer(NamedTuple):
    """What all process spans of one consumer have in common, built once.

    Attributes:
        attributes: system, operation, client, broker.
        read: makes a `Message` of one of its records.
        hook: the user's `consume_hook(span, record, args, kwargs)`, or None.
        seen: the highest offset handed out so far, by topic and partition.
    """

    tracer: Tracer
    attributes: Mapping[str, Any]
    read: Callable[[Any], Message]
    hook: Callable[..., object] | None
    seen: dict[tuple[str, int], int]


class ProcessSpan:
    """The span of one record that is being handled, and the context that it replaced."""

    def __init__(self, span: Span, record: object, own: context.Context) -> None:
        self.span = span
        self.record = record
        self.thread = threading.get_ident()
        self._context = own
        self._ambient = context.get_current()
        self._outer = _current.get()
        self._done = False
        self._end_ns: int | None = None
        self._failure: BaseException | None = None
        self._holders = 0
        self._end_wanted = False
        context.attach(own)
        _current.set(self)
        _open.add(self)

    @property
    def left(self) -> bool:
        """Whether the handler was left by an exception that has not been seen yet."""
        return self._end_ns is not None

    @failing_open("cannot record errors of Kafka handlers")
    def fail(self, error: BaseException) -> None:
        """Record what the handler raised; it stays open."""
        if error is self._failure or self._done:
            return
        self._failure = error
        self.span.record_exception(error)
        self.span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
        self.span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")

    @failing_open("cannot end spans of Kafka records")
    def end(self, error: BaseException | None = None, *, even_if_held: bool = False) -> None:
        """End it, and make current again what was; only the first call counts.

        A span that is held ends with the block that holds it.
        """
        if self._done:
            return
        if isinstance(error, Exception):
            self.fail(error)
        self._release()
        if self._holders and not even_if_held:
            self._end_wanted = True
            return
        self._done = True
        _open.discard(self)
        self.span.end(self._end_ns)

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep it open and current for a block, in whatever thread, and record what the block raises."""
        self._holders += 1
        token = context.attach(self._context)
        try:
            yield
        except Exception as error:
            self.fail(error)
            raise
        finally:
            context.detach(token)
            self._holders -= 1
            if self._end_wanted:
                self.end()

    def leave_failed(self) -> None:
        """The handler was left by an exception that cannot be seen from where we are.

        The end is fixed now; who sees the exception first (an excepthook, `close` in a `finally`, a log call)
        ends it with that. Without one, the next call of the consumer or the end of the process does.
        """
        if not self._done:
            self._end_ns = time.time_ns()
            self._release()
            self.span.set_attribute(vocabulary.ERROR_TYPE, vocabulary.ERROR_TYPE_OTHER)
            self.span.set_status(StatusCode.ERROR, "the handler raised")

    def _release(self) -> None:
        if _current.get() is not self:
            return  # another thread or task, or not the innermost: nothing of ours is current here
        # Consumers that take turns end out of order: what they enclosed may be over by now.
        oldest = self
        while oldest._outer is not None and oldest._outer._done:  # noqa: SLF001 - of this class
            oldest = oldest._outer
        _current.set(oldest._outer)  # noqa: SLF001
        context.attach(oldest._ambient)  # noqa: SLF001


_current: Final[ContextVar[ProcessSpan | None]] = ContextVar("laban-process-span", default=None)
_open: Final[set[ProcessSpan]] = set()


def current() -> ProcessSpan | None:
    """The process span of the record that is handled here, if any."""
    span = _current.get()
    return span if span in _open else None


def open_spans() -> list[ProcessSpan]:
    """All process spans of this process that have not ended."""
    return list(_open)


def end_all() -> None:
    """End all open process spans; for the end of the process."""
    for span in open_spans():
        span.end(even_if_held=True)


def start_processing(consumer: Consumer, record: object) -> ProcessSpan:
    """Start the process span of a record and make it current."""
    message = consumer.read(record)
    ambient = trace.get_current_span().get_span_context()
    base = trace.set_span_in_context(trace.INVALID_SPAN, baggage.clear())
    parent = extract(message.headers, base)
    span = consumer.tracer.start_span(
        f"process {message.topic}",
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes=_attributes(consumer, message),
        links=[Link(ambient)] if ambient.is_valid else None,
    )
    return ProcessSpan(span, record, trace.set_span_in_context(span, parent))


def _attributes(consumer: Consumer, message: Message) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        **consumer.attributes,
        vocabulary.MESSAGING_DESTINATION_NAME: message.topic,
        vocabulary.MESSAGING_DESTINATION_PARTITION_ID: str(message.partition),
        vocabulary.MESSAGING_KAFKA_OFFSET: message.offset,
        **key_attributes(message.key),
        **origin_attributes(message.headers),
    }
    if message.size is None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_TOMBSTONE] = True
    else:
        attributes[vocabulary.MESSAGING_MESSAGE_BODY_SIZE] = message.size
    if message.timestamp_ms > 0:
        attributes[vocabulary.LABAN_MESSAGE_TIMESTAMP_MS] = message.timestamp_ms
        waited = int(time.time() * 1000) - message.timestamp_ms
        attributes[vocabulary.LABAN_QUEUE_TIME_MS] = max(0, waited)  # clocks of two machines differ
    if _seen_before(consumer.seen, message):
        attributes[vocabulary.LABAN_REDELIVERED] = True
    return attributes


def _seen_before(seen: dict[tuple[str, int], int], message: Message) -> bool:
    place = (message.topic, message.partition)
    if message.offset <= seen.get(place, -1):
        return True
    seen[place] = message.offset
    return False


def key_attributes(key: object) -> dict[str, str]:
    """The message key as text: bytes that are no UTF-8 in hex, nothing for what is no text or number."""
    if isinstance(key, (bytes, bytearray, memoryview)):
        raw = bytes(key[:MAX_KEY_LENGTH])
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.hex()
    elif isinstance(key, (str, int)):
        text = str(key)
    else:
        return {}
    return {vocabulary.MESSAGING_KAFKA_MESSAGE_KEY: text[:MAX_KEY_LENGTH]}
