"""The span of a record that is sent: it ends when the broker has answered, with where the record is."""

from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from laban import vocabulary
from laban.fail_open import failing_open
from laban.messaging.headers import Headers, origin_attributes
from laban.messaging.records import key_text
from laban.peer_address import peer_attributes

_SEND_ATTRIBUTES: Final = {
    vocabulary.MESSAGING_SYSTEM: vocabulary.KAFKA,
    vocabulary.MESSAGING_OPERATION_NAME: "send",
    vocabulary.MESSAGING_OPERATION_TYPE: "send",
}
_unanswered: Final[set[Span]] = set()


def sender_attributes(servers: object, client_id: object) -> dict[str, Any]:
    """What all send spans of one producer have in common.

    Args:
        servers: the bootstrap servers, as text or as a list.
        client_id: as configured_rules; None where it is not.
    """
    return _SEND_ATTRIBUTES | client_attributes(servers, client_id)


def client_attributes(servers: object, client_id: object) -> dict[str, Any]:
    """The client id, and the first of the bootstrap servers as the peer."""
    first = next(iter(servers), "") if isinstance(servers, (list, tuple, set)) else servers or ""
    attributes: dict[str, Any] = dict(peer_attributes(str(first)))
    if client_id:
        attributes[vocabulary.MESSAGING_CLIENT_ID] = str(client_id)
    return attributes


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
        **origin_attributes(headers),
    }
    text = key_text(key)
    if text is not None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_KEY] = text
    if value is None:
        attributes[vocabulary.MESSAGING_KAFKA_MESSAGE_TOMBSTONE] = True
    span = tracer.start_span(f"send {topic}", kind=SpanKind.PRODUCER, attributes=attributes)
    _unanswered.add(span)
    return span


@failing_open("cannot end spans of sent Kafka records")
def end_delivered(span: Span, partition: int, offset: int | None, end_ns: int | None = None) -> None:
    """The broker has the record.

    Args:
        span: of the record.
        partition: where the record is.
        offset: negative or None where the broker does not say (acks=0).
        end_ns: when the broker answered, in nanoseconds since the epoch; None is now.
    """
    where: dict[str, str | int] = {vocabulary.MESSAGING_DESTINATION_PARTITION_ID: str(partition)}
    if offset is not None and offset >= 0:
        where[vocabulary.MESSAGING_KAFKA_OFFSET] = offset
    span.set_attributes(where)
    end_unknown(span, end_ns)


@failing_open("cannot end spans of sent Kafka records")
def end_unknown(span: Span, end_ns: int | None = None) -> None:
    """Nobody will say more about the record than is known by now."""
    _unanswered.discard(span)
    span.end(end_ns)


def forget(span: Span) -> None:
    """The record will not be sent: there is nothing to tell."""
    _unanswered.discard(span)


def end_all() -> None:
    """End the spans that wait for an answer of the broker; for the end of the process."""
    for span in list(_unanswered):
        end_unknown(span)


def forget_all() -> None:
    """Leave the open send spans to the process that this one was forked from."""
    _unanswered.clear()


@failing_open("cannot end spans of sent Kafka records")
def end_failed(span: Span, error: BaseException) -> None:
    """The record was not accepted."""
    span.record_exception(error)
    span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
    span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")
    end_unknown(span)
