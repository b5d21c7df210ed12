"""pika: the cases that the end-to-end test does not cover."""

import json
import logging
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pika
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind, StatusCode
from pika.adapters.blocking_connection import BlockingChannel, BlockingConnection
from pika.connection import Connection

from laban import fail_open, vocabulary
from laban.messaging import process_span
from laban.messaging.pika import LabanPikaInstrumentor

from ..recording import Recording

DOCUMENT = Path(__file__).parents[3] / "docs" / "messaging.md"


@pytest.fixture
def traced(recording: Recording) -> Generator[Recording]:
    instrumentor = LabanPikaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    instrumentor.uninstrument()
    assert process_span.open_spans() == []


@pytest.fixture
def channel(rabbitmq_url: str, traced: Recording) -> Generator[Any]:
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        yield connection.channel()


@pytest.fixture
def queue(channel: Any) -> str:
    name = f"queue-{uuid4().hex[:8]}"
    channel.queue_declare(name, exclusive=True)
    return name


def test_leaving_a_loop_restores_the_context(channel: Any, queue: str, traced: Recording) -> None:
    channel.basic_publish("", queue, b"1")
    for _method, _properties, body in channel.consume(queue, auto_ack=True):
        assert body == b"1"
        break
    assert not trace.get_current_span().get_span_context().is_valid
    assert [span.kind for span in traced.finished] == [SpanKind.PRODUCER, SpanKind.CONSUMER]


def test_an_exception_that_leaves_a_loop_and_is_logged_is_on_the_span_of_its_message(
    channel: Any, queue: str, traced: Recording
) -> None:
    channel.basic_publish("", queue, b"no JSON")
    try:
        for _, _, body in channel.consume(queue, auto_ack=True):
            json.loads(body)
    except ValueError:
        logging.getLogger(__name__).exception("cannot handle it")
    failed = traced.one(f"process {queue}")
    assert (failed.status, failed.exceptions) == (StatusCode.ERROR, ["json.decoder.JSONDecodeError"])


def handle(*_: Any) -> None:
    """A callback that does nothing."""


def test_both_spans_say_what_the_message_is(channel: Any, queue: str, traced: Recording) -> None:
    headers = {"cloudEvents:type": "Paid", "cloudEvents:dataschema": "https://x/v2"}
    sent = pika.BasicProperties(type="ignored", content_type="text/plain", headers=headers)
    channel.basic_publish("", queue, b"1", sent)
    for _ in channel.consume(queue, auto_ack=True):
        break
    channel.cancel()
    channel.basic_publish("", queue, b"1", sent)
    channel.basic_consume(queue, handle, auto_ack=True)
    channel.connection.process_data_events(5)
    said = {
        vocabulary.CLOUDEVENTS_EVENT_TYPE: "Paid",
        vocabulary.LABAN_MESSAGE_SCHEMA_VERSION: "https://x/v2",
        vocabulary.LABAN_MESSAGE_CONTENT_TYPE: "text/plain",
    }
    assert len(traced.finished) == 4
    for span in traced.finished:
        assert span.attributes.items() >= said.items()
        assert vocabulary.LABAN_MESSAGE_TYPE not in span.attributes


REJECTED: dict[str, Any] = {
    vocabulary.LABAN_DEAD_LETTER_REASON: "rejected",
    vocabulary.LABAN_DELIVERY_ATTEMPT: 2,
}


def test_the_process_span_of_a_dead_letter_has_its_origin(channel: Any, traced: Recording) -> None:
    dead, first = (f"{name}-{uuid4().hex[:8]}" for name in ("dead", "first"))
    channel.queue_declare(dead, exclusive=True)
    aside = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    channel.queue_declare(first, exclusive=True, arguments=aside)

    def reject_one() -> None:
        channel.basic_publish("", first, b"1")
        for method, _, _ in channel.consume(first):
            channel.basic_nack(method.delivery_tag, requeue=False)
            break
        channel.cancel()

    reject_one()
    for _ in channel.consume(dead, auto_ack=True):
        break
    channel.cancel()
    reject_one()
    channel.basic_consume(dead, handle, auto_ack=True)
    channel.connection.process_data_events(5)
    before, looped, _, called = (span for span in traced.finished if span.kind is SpanKind.CONSUMER)
    for span in (looped, called):
        assert span.attributes[vocabulary.LABAN_DEAD_LETTER_TOPIC] == first
        assert span.attributes.items() >= REJECTED.items()
    assert vocabulary.LABAN_DEAD_LETTER_TOPIC not in before.attributes


def test_a_loop_without_messages_starts_no_span(channel: Any, queue: str, traced: Recording) -> None:
    silence = next(iter(channel.consume(queue, inactivity_timeout=0.01)))
    assert silence == (None, None, None)
    assert traced.finished == []


def test_consumers_registered_one_after_the_other_have_one_span_per_message(
    channel: Any, queue: str, traced: Recording
) -> None:
    other = f"other-{uuid4().hex[:8]}"
    channel.queue_declare(other, exclusive=True)
    for name in (queue, other):
        channel.basic_publish(exchange="", routing_key=name, body=b"1")
        channel.basic_consume(queue=name, on_message_callback=handle, auto_ack=True)
    while len(traced.of_kind(SpanKind.CONSUMER)) < 2:
        channel.connection.process_data_events(5)
    channel.connection.process_data_events(0)
    assert len(traced.of_kind(SpanKind.CONSUMER)) == 2


def test_publishing_does_not_modify_properties_that_are_used_again(
    channel: Any, queue: str, traced: Recording
) -> None:
    stale = {"baggage": "order.id=1000", "kind": "created"}
    properties = pika.BasicProperties(headers=dict(stale))
    channel.basic_publish("", queue, b"1", properties)
    channel.basic_publish(exchange="", routing_key=queue, body=b"2", properties=properties)
    assert properties.headers == stale
    for _ in range(2):
        _, received, _ = channel.basic_get(queue, auto_ack=True)
        assert received.headers.keys() - {"tracestate"} == {"kind", "traceparent"}


def test_nothing_changes_while_instrumentation_is_suppressed(
    channel: Any, queue: str, traced: Recording
) -> None:
    own = {"traceparent": "the program's own"}
    with suppress_instrumentation():
        channel.basic_publish("", queue, b"1", pika.BasicProperties(headers=own))
    _, received, _ = channel.basic_get(queue, auto_ack=True)
    assert received.headers == own
    assert traced.finished == []


def test_a_hook_that_raises_does_no_harm(
    rabbitmq_url: str, recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hook(*_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(fail_open, "_warned", set())
    instrumentor = LabanPikaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider, publish_hook=hook, consume_hook=hook)
    try:
        with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
            channel: Any = connection.channel()
            queue = channel.queue_declare("", exclusive=True).method.queue
            channel.basic_publish("", queue, b"1")
            assert next(iter(channel.consume(queue, auto_ack=True)))[2] == b"1"
            channel.cancel()
    finally:
        instrumentor.uninstrument()
    assert len(recording.finished) == 2


def test_the_example_in_the_documentation_continues_the_trace(
    channel: Any, queue: str, traced: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    (recipe,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.setattr(trace, "get_tracer", traced.provider.get_tracer)
    handled: list[bytes] = []
    channel.basic_publish("", queue, b"1")
    exec(recipe.replace("orders", queue), {"channel": channel, "handle": handled.append})  # noqa: S102 - ours
    assert handled == [b"1"]
    sent, processed = traced.finished
    assert (processed.name, processed.parent) == (f"process {queue}", sent.id)


def test_uninstrument_restores_everything(recording: Recording) -> None:
    places = [(BlockingConnection, "channel"), (Connection, "channel")]
    places += [(BlockingChannel, "consume"), (BlockingChannel, "cancel")]
    before = [vars(owner)[name] for owner, name in places]
    instrumentor = LabanPikaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    instrumentor.uninstrument()
    assert [vars(owner)[name] for owner, name in places] == before
