"""The span of a record that is sent: it ends when the broker has answered, with where the record is."""

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from laban import vocabulary
from laban.fail_open import failing_open
from laban.kafka.headers import Headers, origin_attributes
from laban.kafka.spans import key_attributes


def start_sending(
    tracer: Tracer, client: Mapping[str, Any], topic: str, key: object, value: object, headers: Headers
) -> Span:
    """Start the span of one record; it is not made current.

    Args:
        tracer: of the instrumentation.
        client: the attributes that all spans of the producer have in common.
        topic: where it goes.
        key: before serialisation.
        value: before serialisation; None is a tombstone.
        headers: the user's own.
    """
    attributes: dict[str, Any] = {
        **client,
        vocabulary.MESSAGING_DESTINATION_NAME: topic,
        **key_attributes(key),
        **origin_attributes(headers),
    }
    if value is None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_TOMBSTONE] = True
    return tracer.start_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes)


@failing_open("cannot end spans of sent Kafka records")
def end_delivered(span: Span, partition: int, offset: int) -> None:
    """The broker has the record. The offset is negative where it does not say (acks=0)."""
    span.set_attribute(vocabulary.MESSAGING_DESTINATION_PARTITION_ID, str(partition))
    if offset >= 0:
        span.set_attribute(vocabulary.MESSAGING_KAFKA_OFFSET, offset)
    span.end()


@failing_open("cannot end spans of sent Kafka records")
def end_failed(span: Span, error: BaseException) -> None:
    """The record was not accepted."""
    span.record_exception(error)
    span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
    span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
    span.end()
