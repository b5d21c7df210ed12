"""A consumed record, whichever client it comes from, and what it says on a span."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry.trace import Tracer

from laban import vocabulary
from laban.messaging.headers import Headers, origin_attributes

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
        size: of the body in bytes; None for a tombstone, negative where it is not known.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: object
    headers: Headers
    size: int | None


Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


class Consumer(NamedTuple):
    """What all process spans of one consumer have in common, built once.

    Attributes:
        attributes: system, operation, client, broker.
        read: makes a `Message` of one of its records; None of what is no record but an error.
        hook: the user's `consume_hook(span, record, args, kwargs)`, or None.
        seen: the highest offset handed out so far, by topic and partition.
    """

    tracer: Tracer
    attributes: Mapping[str, Any]
    read: Callable[[Any], Message | None]
    hook: Callable[..., object] | None
    seen: dict[tuple[str, int], int]


def read_record(record: Any) -> Message:
    """A record of kafka-python or aiokafka."""
    return Message(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.headers or (),
        None if record.value is None else record.serialized_value_size,
    )


def read_message(message: Any) -> Message | None:
    """A message of confluent-kafka; None where it is the report of an error or of a partition's end."""
    if message.error() is not None:
        return None
    kind, timestamp_ms = message.timestamp()
    value = message.value()
    size = len(value) if isinstance(value, (bytes, str)) else -1  # deserialised by now
    return Message(
        message.topic(),
        message.partition(),
        message.offset(),
        timestamp_ms if kind else -1,
        message.key(),
        message.headers() or (),
        None if value is None else size,
    )


def read_any(record: Any) -> Message | None:
    """A record of any of the clients."""
    return read_message(record) if callable(record.topic) else read_record(record)


def process_attributes(consumer: Consumer, message: Message) -> dict[str, Any]:
    """What the process span of this record says."""
    attributes: dict[str, Any] = {
        **consumer.attributes,
        vocabulary.MESSAGING_DESTINATION_NAME: message.topic,
        vocabulary.MESSAGING_DESTINATION_PARTITION_ID: str(message.partition),
        vocabulary.MESSAGING_KAFKA_OFFSET: message.offset,
    }
    if message.headers:
        attributes |= origin_attributes(message.headers)
    key = key_text(message.key)
    if key is not None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_KEY] = key
    if message.size is None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_TOMBSTONE] = True
    elif message.size >= 0:
        attributes[vocabulary.MESSAGING_MESSAGE_BODY_SIZE] = message.size
    if message.timestamp_ms > 0:
        attributes[vocabulary.LABAN_MESSAGE_TIMESTAMP_MS] = message.timestamp_ms
        waited = int(time.time() * 1000) - message.timestamp_ms
        attributes[vocabulary.LABAN_QUEUE_TIME_MS] = max(0, waited)  # clocks of two machines differ
    if seen_before(consumer.seen, message):
        attributes[vocabulary.LABAN_REDELIVERED] = True
    return attributes


def seen_before(seen: dict[tuple[str, int], int], message: Message) -> bool:
    """Whether this record, or a later one of its partition, was handed out before; notes that it is now."""
    place = (message.topic, message.partition)
    if message.offset <= seen.get(place, -1):
        return True
    seen[place] = message.offset
    return False


def key_text(key: object) -> str | None:
    """The message key as text: bytes that are no UTF-8 in hex, None for what is no text or number."""
    if key is None:
        return None
    if isinstance(key, (bytes, bytearray, memoryview)):
        raw = bytes(key[:MAX_KEY_LENGTH])
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.hex()[:MAX_KEY_LENGTH]
    return str(key)[:MAX_KEY_LENGTH] if isinstance(key, (str, int)) else None
