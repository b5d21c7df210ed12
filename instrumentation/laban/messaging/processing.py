"""`processing`: the explicit form, for handlers that no wrapper can see, and for batches."""

from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from laban import vocabulary
from laban.fail_open import fail_open
from laban.messaging import batch_span, process_span
from laban.messaging.delivery import handed_out
from laban.messaging.process_span import ProcessSpan
from laban.messaging.records import PROCESS_ATTRIBUTES, Consumer, read_any


@contextmanager
def processing(records: object, group: str | None = None) -> Generator[None]:
    """Handle a Kafka record, or a batch of them at once: `with laban.processing(record): …`.

    For handlers that run elsewhere than in the body of the loop that takes the record (an executor, a list
    made of several polls), and to record for certain what the handler raises. Where the record's process span
    is open, that one is used and stays open to the end of the block. Where it has ended, the block is a span
    `handle TOPIC` inside it. Else a process span is made. A batch gets one span with a link for each record.

    Args:
        records: a record as kafka-python, aiokafka or confluent-kafka hands it out; for a batch, a list of
            them, or what `poll()` or `getmany()` answers.
        group: the consumer group, where it is not known from the consumer.
    """
    taken = process_span.of_record(records)
    span = taken or _started(records, group)
    if span is None:
        yield
        return
    try:
        with span.held():
            yield
    finally:
        if taken is None:
            span.end()


def _started(records: object, group: str | None) -> ProcessSpan | None:
    with fail_open("cannot start spans for Kafka records"):
        consumer = _consumer(group)
        if isinstance(records, Mapping):
            return batch_span.start(consumer, list(records.values()))
        if isinstance(records, Collection) and not hasattr(records, "topic"):
            return batch_span.start(consumer, [records])
        return _continued(consumer, records) or process_span.start_processing(consumer, records)
    return None


def _consumer(group: str | None) -> Consumer:
    attributes: dict[str, Any] = dict(PROCESS_ATTRIBUTES)
    if group:
        attributes[vocabulary.MESSAGING_CONSUMER_GROUP_NAME] = group
    return Consumer(trace.get_tracer(__name__), attributes, read_any, hook=None, seen={})


def _continued(consumer: Consumer, record: object) -> ProcessSpan | None:
    """Its loop has moved on: go on inside its process span, and keep the next ones open."""
    message = consumer.read(record)
    if message is None:
        return None
    place = (message.topic, message.partition, message.offset)
    handed = handed_out(place)
    if handed is None:
        return None
    handed.handing.handled_later = True
    around = handed.context
    span = consumer.tracer.start_span(f"handle {message.topic}", context=around, kind=SpanKind.INTERNAL)
    return ProcessSpan(span, record, None, around)
