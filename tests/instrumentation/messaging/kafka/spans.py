"""The spans that Kafka tests expect, whichever client consumes: request → send → process → work."""

from typing import Any

from opentelemetry.trace import SpanKind

from ...recording import EndedSpan, Recording


def work(recording: Recording, name: str) -> None:
    """Record a span, as a handler does."""
    with recording.tracer.start_as_current_span(name):
        pass


def processed(recording: Recording) -> list[EndedSpan]:
    """The process spans."""
    return recording.of_kind(SpanKind.CONSUMER)


def keys(recording: Recording) -> list[str]:
    """The message keys on the process spans."""
    return [span.attributes["messaging.kafka.message.key"] for span in processed(recording)]


def assert_in_the_trace_of_its_request(recording: Recording, count: int) -> None:
    """Each record has the spans request → send → process → work, each the parent of the next."""
    tree = {span.id: span for span in recording.finished}
    for index in range(count):
        process = tree[recording.one(f"work {index}").parent or 0]
        send = tree[process.parent or 0]
        assert (process.kind, send.kind) == (SpanKind.CONSUMER, SpanKind.PRODUCER)
        assert tree[send.parent or 0].name == f"request {index}"


def assert_describes_its_record(span: EndedSpan, broker: str, expected: dict[str, Any]) -> None:
    """The process span has these attributes, and those that every record has.

    Args:
        span: the process span.
        broker: host and port.
        expected: topic, group, key, offset and the other attributes of this record.
    """
    host, _, port = broker.partition(":")
    found = dict(span.attributes)
    assert found.pop("laban.kafka.queue_time_ms") >= 0
    assert found.pop("laban.kafka.message.timestamp_ms") > 0
    assert found.pop("correlation.id")
    assert found == {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.client.id": "test-consumer",
        "server.address": host,
        "server.port": int(port),
        **expected,
    }
