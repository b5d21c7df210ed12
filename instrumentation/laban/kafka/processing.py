"""`processing`: the explicit form, for handlers that no wrapper can see."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace

from laban import vocabulary
from laban.fail_open import fail_open
from laban.kafka import spans
from laban.kafka.spans import PROCESS_ATTRIBUTES, Consumer, Message, ProcessSpan


@contextmanager
def processing(record: object, group: str | None = None) -> Generator[None]:
    """Handle a Kafka record inside its process span: `with laban.processing(record): …`.

    For handlers that run elsewhere than in the body of the loop that takes the record (an executor, a list
    made of several polls), and to record for certain what the handler raises. Where the record's span is
    open, that one is used and stays open to the end of the block; else one is made.

    Args:
        record: as kafka-python hands it out.
        group: the consumer group, where no span of the record is open.
    """
    taken = next((span for span in spans.open_spans() if span.record is record), None)
    span = taken or _started(record, group)
    if span is None:
        yield
        return
    try:
        with span.held():
            yield
    finally:
        if taken is None:
            span.end()


def read_record(record: Any) -> Message:
    """A record of kafka-python."""
    return Message(
        record.topic,
        record.partition,
        record.offset,
        record.timestamp,
        record.key,
        record.headers or (),
        None if record.value is None else record.serialized_value_size,
    )


def _started(record: object, group: str | None) -> ProcessSpan | None:
    attributes: dict[str, Any] = dict(PROCESS_ATTRIBUTES)
    if group:
        attributes[vocabulary.MESSAGING_CONSUMER_GROUP_NAME] = group
    tracer = trace.get_tracer(__name__)
    with fail_open("cannot start spans for Kafka records"):
        return spans.start_processing(Consumer(tracer, attributes, read_record, hook=None, seen={}), record)
    return None
