"""Consumed Kafka records: reading each client's record, and the attributes of its process span."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.trace import Tracer

from laban import vocabulary
from laban.messaging.contracts import contract_attributes
from laban.messaging.headers import Headers, origin_attributes

MAX_KEY_LENGTH: Final = 256
"""In characters; a longer message key is truncated."""

PROCESS_ATTRIBUTES: Final[Mapping[str, Any]] = {
    vocabulary.MESSAGING_SYSTEM: vocabulary.KAFKA,
    vocabulary.MESSAGING_OPERATION_NAME: "process",
    vocabulary.MESSAGING_OPERATION_TYPE: "process",
}
"""Common to all process spans."""

RecordPosition = tuple[str, int, int]
"""Topic, partition and offset."""


class ConsumedRecord(NamedTuple):
    """A consumed record, independent of the client library.

    Attributes:
        timestamp_ms: since the epoch, or negative if unknown.
        size: of the body in bytes; None for a tombstone, negative if unknown.
        value: the body, or what the client's deserializer made of it.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: object
    headers: Headers
    size: int | None
    value: object = None

    @property
    def position(self) -> RecordPosition:
        """Topic, partition and offset."""
        return (self.topic, self.partition, self.offset)


class ConsumerSettings(NamedTuple):
    """What all process spans of one consumer share, built once.

    Attributes:
        attributes: system, operation, client, broker.
        read: reads one of its records; returns None for an error report.
        hook: the user's `consume_hook(span, record, args, kwargs)`, or None.
        highest_offsets: the highest delivered offset by topic and partition.
    """

    tracer: Tracer
    attributes: Mapping[str, Any]
    read: Callable[[Any], ConsumedRecord | None]
    hook: Callable[..., object] | None
    highest_offsets: dict[tuple[str, int], int]


def read_record(record: Any) -> ConsumedRecord:
    """Read a record of kafka-python or aiokafka."""
    return ConsumedRecord(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.headers or (),
        None if record.value is None else record.serialized_value_size,
        record.value,
    )


def read_message(message: Any) -> ConsumedRecord | None:
    """Read a message of confluent-kafka; None if it reports an error or the end of a partition."""
    if message.error() is not None:
        return None
    kind, timestamp_ms = message.timestamp()
    value = message.value()
    size = len(value) if isinstance(value, (bytes, str)) else -1  # already deserialised
    return ConsumedRecord(
        message.topic(),
        message.partition(),
        message.offset(),
        timestamp_ms if kind else -1,
        message.key(),
        message.headers() or (),
        None if value is None else size,
        value,
    )


def read_any(record: Any) -> ConsumedRecord | None:
    """Read a record of any client library."""
    return read_message(record) if callable(record.topic) else read_record(record)


def process_attributes(settings: ConsumerSettings, record: ConsumedRecord) -> dict[str, Any]:
    """The attributes of the process span of this record."""
    attributes: dict[str, Any] = {
        **settings.attributes,
        vocabulary.MESSAGING_DESTINATION_NAME: record.topic,
        vocabulary.MESSAGING_DESTINATION_PARTITION_ID: str(record.partition),
        vocabulary.MESSAGING_KAFKA_OFFSET: record.offset,
    }
    if record.headers:
        attributes |= origin_attributes(record.headers)
    attributes |= contract_attributes(record.headers, record.value)
    key = key_text(record.key)
    if key is not None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_KEY] = key
    if record.size is None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_TOMBSTONE] = True
    elif record.size >= 0:
        attributes[vocabulary.MESSAGING_MESSAGE_BODY_SIZE] = record.size
    if record.timestamp_ms > 0:
        attributes[vocabulary.LABAN_MESSAGE_TIMESTAMP_MS] = record.timestamp_ms
        waited = int(time.time() * 1000) - record.timestamp_ms
        attributes[vocabulary.LABAN_QUEUE_TIME_MS] = max(0, waited)  # the clocks of two machines differ
    if is_redelivered(settings.highest_offsets, record):
        attributes[vocabulary.LABAN_REDELIVERED] = True
    return attributes


def is_redelivered(highest_offsets: dict[tuple[str, int], int], record: ConsumedRecord) -> bool:
    """Whether this record, or a later one of its partition, was delivered before; else stores its offset."""
    partition = (record.topic, record.partition)
    if record.offset <= highest_offsets.get(partition, -1):
        return True
    highest_offsets[partition] = record.offset
    return False


def key_text(key: object) -> str | None:
    """The message key as text; in hex if it is not UTF-8, None if not text, bytes or an integer."""
    if key is None:
        return None
    if isinstance(key, (bytes, bytearray, memoryview)):
        raw = bytes(key[:MAX_KEY_LENGTH])
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.hex()[:MAX_KEY_LENGTH]
    return str(key)[:MAX_KEY_LENGTH] if isinstance(key, (str, int)) else None
