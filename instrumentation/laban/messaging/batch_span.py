"""One span for a batch of records that are handled at once, with a link for each of them."""

from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import Link, SpanKind

from laban import vocabulary
from laban.messaging.delivery import handed_out
from laban.messaging.iteration import Batch
from laban.messaging.process_span import ProcessSpan, sent_context
from laban.messaging.records import Consumer, Message, seen_before


def start(consumer: Consumer, parts: Sequence[Iterable[Any]]) -> ProcessSpan | None:
    """Start the span of a batch and make it current; None where there is no record in it.

    Its parent is the span that sent the records, where it is one trace that sent them all; else what is
    current here. Records whose process spans have ended (a loop has put them together) are linked by these,
    and the span is an internal one: a record is processed once.

    Args:
        consumer: of the records, where they do not know it themselves.
        parts: lists of records, such as those of several partitions.
    """
    known = next((part.handing.consumer for part in parts if isinstance(part, Batch)), None)
    consumer = consumer._replace(**_of(known)) if known else consumer
    messages = [message for record in _records(parts) if (message := consumer.read(record)) is not None]
    if not messages:
        return None
    handed = [handed_out((message.topic, message.partition, message.offset)) for message in messages]
    origins = [
        before.context if before else sent_context(message)
        for before, message in zip(handed, messages, strict=True)
    ]
    topics = {message.topic for message in messages}
    internal = any(handed)
    parent = _parent(origins)
    span = consumer.tracer.start_span(
        " ".join(["handle" if internal else "process", *(topics if len(topics) == 1 else ())]),
        context=parent,
        kind=SpanKind.INTERNAL if internal else SpanKind.CONSUMER,
        attributes=None if internal else _attributes(consumer, messages),
        links=[Link(origin) for origin in map(_span_context, origins) if origin.is_valid],
    )
    return ProcessSpan(span, parts, None, parent)


def _of(known: Consumer) -> dict[str, Any]:
    return {"attributes": known.attributes, "tracer": known.tracer, "seen": known.seen}


def _records(parts: Iterable[Iterable[Any]]) -> list[Any]:
    records: list[Any] = []
    for part in parts:
        if isinstance(part, Batch):
            part.take_together()
        records += part
    return records


def _parent(origins: Sequence[context.Context]) -> context.Context:
    traces = {_span_context(origin).trace_id for origin in origins}
    one = len(traces) == 1 and _span_context(origins[0]).is_valid
    return origins[0] if one else context.get_current()


def _span_context(origin: context.Context) -> trace.SpanContext:
    return trace.get_current_span(origin).get_span_context()


def _attributes(consumer: Consumer, messages: Sequence[Message]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        **consumer.attributes,
        vocabulary.MESSAGING_BATCH_MESSAGE_COUNT: len(messages),
    }
    topics = {message.topic for message in messages}
    if len(topics) == 1:
        attributes[vocabulary.MESSAGING_DESTINATION_NAME] = topics.pop()
    partitions = {(message.topic, message.partition) for message in messages}
    if len(partitions) == 1:
        attributes[vocabulary.MESSAGING_DESTINATION_PARTITION_ID] = str(messages[0].partition)
    again = [seen_before(consumer.seen, message) for message in messages]
    if any(again):
        attributes[vocabulary.LABAN_REDELIVERED] = True
    return attributes
