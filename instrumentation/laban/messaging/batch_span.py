"""The span of a batch of Kafka records that are handled together, with a link per record."""

from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import Link, SpanKind

from laban import vocabulary
from laban.messaging.delivery import delivered_record
from laban.messaging.loops import PolledRecords
from laban.messaging.process_span import ProcessSpan, producer_context
from laban.messaging.records import ConsumedRecord, ConsumerSettings, is_redelivered


def start(settings: ConsumerSettings, parts: Sequence[Iterable[Any]]) -> ProcessSpan | None:
    """Start the span of a batch and make it current; None if the batch is empty.

    If all records come from one trace, the parent is the sender of the first record, else the current span.
    If the process spans of the records have ended (a loop has collected the records), the links point to
    them, and the kind is INTERNAL, because each record has one CONSUMER span.

    Args:
        settings: of the consumer, if the records do not know their own.
        parts: lists of records, such as one list per partition.
    """
    polled = next((part.delivery.settings for part in parts if isinstance(part, PolledRecords)), None)
    settings = settings._replace(**_consumer_fields(polled)) if polled else settings
    records = [consumed for record in _flatten(parts) if (consumed := settings.read(record)) is not None]
    if not records:
        return None
    delivered = [delivered_record(record.position) for record in records]
    origins = [
        before.context if before else producer_context(record)
        for before, record in zip(delivered, records, strict=True)
    ]
    topics = {record.topic for record in records}
    internal = any(delivered)
    parent = _parent(origins)
    span = settings.tracer.start_span(
        " ".join(["handle" if internal else "process", *(topics if len(topics) == 1 else ())]),
        context=parent,
        kind=SpanKind.INTERNAL if internal else SpanKind.CONSUMER,
        attributes=None if internal else _attributes(settings, records),
        links=[Link(origin) for origin in map(_span_context, origins) if origin.is_valid],
    )
    return ProcessSpan(span, parts, None, parent)


def _consumer_fields(polled: ConsumerSettings) -> dict[str, Any]:
    return {
        "attributes": polled.attributes,
        "tracer": polled.tracer,
        "highest_offsets": polled.highest_offsets,
    }


def _flatten(parts: Iterable[Iterable[Any]]) -> list[Any]:
    records: list[Any] = []
    for part in parts:
        if isinstance(part, PolledRecords):
            part.mark_all_delivered()
        records += part
    return records


def _parent(origins: Sequence[context.Context]) -> context.Context:
    traces = {_span_context(origin).trace_id for origin in origins}
    one = len(traces) == 1 and _span_context(origins[0]).is_valid
    return origins[0] if one else context.get_current()


def _span_context(origin: context.Context) -> trace.SpanContext:
    return trace.get_current_span(origin).get_span_context()


def _attributes(settings: ConsumerSettings, records: Sequence[ConsumedRecord]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        **settings.attributes,
        vocabulary.MESSAGING_BATCH_MESSAGE_COUNT: len(records),
    }
    topics = {record.topic for record in records}
    if len(topics) == 1:
        attributes[vocabulary.MESSAGING_DESTINATION_NAME] = topics.pop()
    partitions = {(record.topic, record.partition) for record in records}
    if len(partitions) == 1:
        attributes[vocabulary.MESSAGING_DESTINATION_PARTITION_ID] = str(records[0].partition)
    redelivered = [is_redelivered(settings.highest_offsets, record) for record in records]
    if any(redelivered):
        attributes[vocabulary.LABAN_REDELIVERED] = True
    return attributes
