"""`laban.processing`: traces Kafka records whose handler runs outside the loop that received them."""

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging import batch_span, process_span
from laban.messaging.delivery import delivered_record
from laban.messaging.process_span import ProcessSpan
from laban.messaging.records import PROCESS_ATTRIBUTES, ConsumerSettings, read_any


@contextmanager
def processing(records: object, group: str | None = None) -> Generator[None]:
    """Trace the handling of a Kafka record, or of a batch of records: `with laban.processing(record): …`.

    Use it for handlers that run outside the loop that received the record (in an executor, over a list made
    of several polls), and to record every exception of the handler. If the process span of the record is
    open, the block uses it and keeps it open until the end of the block. If that span has ended, the block is
    a child span `handle TOPIC`. Otherwise the block starts the process span. A batch gets one span with a
    link per record.

    Args:
        records: a record of kafka-python, aiokafka or confluent-kafka; for a batch, a list of records, or the
            result of `poll()` or `getmany()`.
        group: the consumer group, if it is not known from the consumer.
    """
    open_span = process_span.of_record(records)
    span = open_span or _start(records, group)
    if span is None:
        yield
        return
    try:
        with span.kept_open():
            yield
    finally:
        if open_span is None:
            span.end()


def _start(records: object, group: str | None) -> ProcessSpan | None:
    with fail_open("cannot start spans for Kafka records"):
        settings = _settings(group)
        if isinstance(records, Mapping):
            return batch_span.start(settings, list(records.values()))
        if isinstance(records, Collection) and not hasattr(records, "topic"):
            return batch_span.start(settings, [records])
        return _start_handle_span(settings, records) or process_span.start_processing(settings, records)
    return None


def _settings(group: str | None) -> ConsumerSettings:
    attributes: dict[str, Any] = dict(PROCESS_ATTRIBUTES)
    if group:
        attributes[vocabulary.MESSAGING_CONSUMER_GROUP_NAME] = group
    tracer = trace.get_tracer(vocabulary.SCOPE_PROCESSING)
    return ConsumerSettings(tracer, attributes, read_any, hook=None, highest_offsets={})


def _start_handle_span(settings: ConsumerSettings, record: object) -> ProcessSpan | None:
    """Start a child of the ended process span, and make later process spans stay open for their handlers."""
    consumed = settings.read(record)
    if consumed is None:
        return None
    delivered = delivered_record(consumed.position)
    if delivered is None:
        return None
    delivered.delivery.handled_after_loop = True
    parent = delivered.context
    span = settings.tracer.start_span(f"handle {consumed.topic}", context=parent, kind=SpanKind.INTERNAL)
    return ProcessSpan(span, record, None, parent)
