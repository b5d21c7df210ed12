"""Kafka record headers: trace context in and out, and the origin of retries and dead letters."""

from collections.abc import Iterable, Sequence
from typing import Final

from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter

from laban import vocabulary
from laban.business_keys.propagation import CorrelationPropagator

Header = tuple[str, bytes | str | None]
"""Name and value; confluent-kafka also accepts text."""
Headers = Sequence[Header]

# Header names of Spring Kafka, Kafka Connect, Kafka Streams, SmallRye and Spring Cloud Stream, in this order.
_ORIGIN: Final = {
    vocabulary.LABAN_DEAD_LETTER_TOPIC: (
        "kafka_dlt-original-topic",
        "kafka_original-topic",
        "__connect.errors.topic",
        "__streams.errors.topic",
        "dead-letter-topic",
        "x-original-topic",
    ),
    vocabulary.LABAN_DEAD_LETTER_PARTITION: (
        "kafka_dlt-original-partition",
        "kafka_original-partition",
        "__connect.errors.partition",
        "__streams.errors.partition",
        "dead-letter-partition",
        "x-original-partition",
    ),
    vocabulary.LABAN_DEAD_LETTER_OFFSET: (
        "kafka_dlt-original-offset",
        "kafka_original-offset",
        "__connect.errors.offset",
        "__streams.errors.offset",
        "dead-letter-offset",
        "x-original-offset",
    ),
    vocabulary.LABAN_DEAD_LETTER_EXCEPTION: (
        "kafka_dlt-exception-cause-fqcn",
        "kafka_dlt-exception-fqcn",
        "kafka_exception-cause-fqcn",
        "kafka_exception-fqcn",
        "__connect.errors.exception.class.name",
        "__streams.errors.exception",
        "dead-letter-exception-class-name",
        "x-exception-fqcn",
    ),
    vocabulary.LABAN_DEAD_LETTER_REASON: (
        "kafka_dlt-exception-message",
        "kafka_exception-message",
        "__connect.errors.exception.message",
        "__streams.errors.message",
        "dead-letter-reason",
        "x-exception-message",
    ),
}
_NUMBERS: Final = frozenset({vocabulary.LABAN_DEAD_LETTER_PARTITION, vocabulary.LABAN_DEAD_LETTER_OFFSET})
MAX_REASON_LENGTH: Final = 1024
"""In characters; a longer header is truncated, because frameworks send whole stack traces."""
_ATTEMPT: Final = ("kafka_deliveryAttempt", "retry_topic-attempts", "x-delivery-attempt", "delivery-attempt")
_RETRIES: Final = ("x-retry-count", "retry-count", "retry_count")
_ORIGIN_HEADERS: Final = frozenset(
    name for names in (*_ORIGIN.values(), _ATTEMPT, _RETRIES) for name in names
)


class HeaderGetter(Getter[Headers]):
    """Reads the headers of one record into a dictionary, because propagators look up seven names and more.

    If a name occurs several times, the last value wins, so that a forwarded header does not hide the one that
    the last producer added.

    Attributes:
        last: the last value by name.
    """

    def __init__(self, headers: Headers) -> None:
        self.last = {name: value for name, value in headers if value is not None}

    def get(self, carrier: Headers, key: str) -> list[str] | None:  # noqa: ARG002 - read in the constructor
        """A list with the value, or None."""
        text = self.text(key)
        return None if text is None else [text]

    def text(self, name: str) -> str | None:
        """The value of the header of this name, or None."""
        value = self.last.get(name)
        if value is None or isinstance(value, str):
            return value
        return bytes(value).decode("utf-8", "replace")

    def keys(self, carrier: Headers) -> list[str]:
        """The names of all headers."""
        return [name for name, _ in carrier or ()]


def extract(headers: Headers, context: Context) -> Context:
    """The given context with the trace context and baggage of a record."""
    getter = HeaderGetter(headers)
    propagator = propagate.get_global_textmap()
    if not context and isinstance(propagator, CorrelationPropagator):
        plain = propagator.extract_plain(getter.last, getter.text)
        if plain is not None:
            return plain
    return propagator.extract(headers, context, getter)


def with_trace_context(headers: Headers, context: Context) -> list[Header]:
    """A new list of headers with this context; it replaces the propagation headers of an earlier service."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier, context)
    injected: list[Header] = [(name, value.encode()) for name, value in carrier.items()]
    if not headers:
        return injected
    replaced = {name.lower() for name in propagate.get_global_textmap().fields | carrier.keys()}
    return [header for header in headers if header[0].lower() not in replaced] + injected


def origin_attributes(headers: Headers) -> dict[str, str | int]:
    """First topic of a retried or dead-lettered record, why it failed, and the number of the attempt."""
    present = {name: value for name, value in headers if value and name in _ORIGIN_HEADERS}
    if not present:
        return {}
    attributes: dict[str, str | int] = {}
    for attribute, names in _ORIGIN.items():
        value = _first(present, names)
        if value is not None:
            _set(attributes, attribute, _integer(value) if attribute in _NUMBERS else _text(value))
    attempt, retries = _first(present, _ATTEMPT), _first(present, _RETRIES)
    if attempt is not None:
        _set(attributes, vocabulary.LABAN_DELIVERY_ATTEMPT, _integer(attempt))
    elif retries is not None:
        count = _integer(retries)
        _set(attributes, vocabulary.LABAN_DELIVERY_ATTEMPT, None if count is None else count + 1)
    return attributes


def _first(present: dict[str, bytes | str], names: Iterable[str]) -> bytes | None:
    return next((_bytes(present[name]) for name in names if name in present), None)


def _bytes(value: bytes | str) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")[:MAX_REASON_LENGTH]


def _integer(value: bytes) -> int | None:
    """A number as text or, from Java frameworks, as 1, 2, 4 or 8 bytes in big-endian order."""
    if value.isdigit() and len(value) <= 19:
        return int(value)
    return int.from_bytes(value, "big", signed=True) if len(value) in (1, 2, 4, 8) else None


def _set(attributes: dict[str, str | int], name: str, value: str | int | None) -> None:
    if value is not None:
        attributes[name] = value
