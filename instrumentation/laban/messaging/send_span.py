"""The send span of a Kafka record, from `send` to the broker's acknowledgement."""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from laban import vocabulary
from laban.fail_open import failing_open
from laban.messaging.contracts import contract_attributes
from laban.messaging.headers import Headers, origin_attributes
from laban.messaging.records import key_text
from laban.peer_address import peer_attributes

_SEND_ATTRIBUTES: Final = {
    vocabulary.MESSAGING_SYSTEM: vocabulary.KAFKA,
    vocabulary.MESSAGING_OPERATION_NAME: "send",
    vocabulary.MESSAGING_OPERATION_TYPE: "send",
}
_unacknowledged: Final[set[Span]] = set()


def producer_attributes(servers: object, client_id: object) -> dict[str, Any]:
    """The attributes that all send spans of one producer share.

    Args:
        servers: the bootstrap servers, as text or as a list.
        client_id: the configured client ID, or None.
    """
    return _SEND_ATTRIBUTES | client_attributes(servers, client_id)


def client_attributes(servers: object, client_id: object) -> dict[str, Any]:
    """The client ID, and the first bootstrap server as the peer."""
    first = next(iter(servers), "") if isinstance(servers, (list, tuple, set)) else servers or ""
    attributes: dict[str, Any] = dict(peer_attributes(str(first)))
    if client_id:
        attributes[vocabulary.MESSAGING_CLIENT_ID] = str(client_id)
    return attributes


def start_send_span(
    tracer: Tracer, client: Mapping[str, Any], topic: str, key: object, value: object, headers: Headers
) -> Span:
    """Start the span of one record, without making it current.

    Args:
        tracer: of the instrumentation.
        client: the attributes that all spans of the producer share.
        topic: the topic of the record.
        key: before serialisation.
        value: before serialisation; None is a tombstone.
        headers: the user's headers.
    """
    attributes: dict[str, Any] = {
        **client,
        vocabulary.MESSAGING_DESTINATION_NAME: topic,
        **origin_attributes(headers),
        **contract_attributes(headers, value),
    }
    text = key_text(key)
    if text is not None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_KEY] = text
    if value is None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_TOMBSTONE] = True
    span = tracer.start_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes)
    _unacknowledged.add(span)
    return span


@failing_open("cannot end spans of sent Kafka records")
def end_acknowledged(span: Span, partition: int, offset: int | None, end_ns: int | None = None) -> None:
    """End the span of a record that the broker has acknowledged.

    Args:
        span: of the record.
        partition: of the record.
        offset: of the record; negative or None if the broker does not report it (acks=0).
        end_ns: the time of the acknowledgement in nanoseconds since the epoch; None is now.
    """
    attributes: dict[str, str | int] = {vocabulary.MESSAGING_DESTINATION_PARTITION_ID: str(partition)}
    if offset is not None and offset >= 0:
        attributes[vocabulary.MESSAGING_KAFKA_OFFSET] = offset
    span.set_attributes(attributes)
    end_unconfirmed(span, end_ns)


@failing_open("cannot end spans of sent Kafka records")
def end_unconfirmed(span: Span, end_ns: int | None = None) -> None:
    """End the span of a record about which no more information will come."""
    _unacknowledged.discard(span)
    span.end(end_ns)


def forget(span: Span) -> None:
    """Drop the span of a record that will not be sent."""
    _unacknowledged.discard(span)


def end_all() -> None:
    """End all spans that wait for the broker, at the end of the process."""
    for span in list(_unacknowledged):
        end_unconfirmed(span)


def forget_all() -> None:
    """Forget all open send spans, in a forked child; its parent ends them."""
    _unacknowledged.clear()


@failing_open("cannot end spans of sent Kafka records")
def end_failed(span: Span, error: BaseException) -> None:
    """End the span of a record that was not sent, with this error."""
    span.record_exception(error)
    span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
    span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
    end_unconfirmed(span)
