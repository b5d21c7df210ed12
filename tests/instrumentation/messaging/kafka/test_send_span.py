"""kafka-python send spans: acknowledged by the real broker or rejected, and the headers of the record."""

from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError, MessageSizeTooLargeError
from opentelemetry import trace
from opentelemetry.instrumentation.kafka import KafkaInstrumentor
from opentelemetry.trace import SpanKind, StatusCode

from laban.messaging.kafka_python import LabanKafkaInstrumentor

from ....broker import free_port, start_broker
from ...recording import EndedSpan, Recording
from .conftest import MakeConsumer


def sent(recording: Recording) -> EndedSpan:
    (span,) = recording.of_kind(SpanKind.PRODUCER)
    return span


def received(consuming: KafkaConsumer) -> Any:
    (record,) = consuming
    return record


def test_the_span_ends_with_the_brokers_answer_and_has_partition_and_offset(
    instrumented: Recording, producer: KafkaProducer, topic: str
) -> None:
    with instrumented.tracer.start_as_current_span("request"):
        record = producer.send(topic, value=b"v", key=b"1001").get(10)
    span = sent(instrumented)
    assert span.name == f"send {topic}"
    assert span.parent == instrumented.one("request").id
    assert span.attributes["messaging.destination.partition.id"] == str(record.partition)
    assert span.attributes["messaging.kafka.offset"] == record.offset
    assert span.attributes["messaging.operation.type"] == "send"
    assert span.attributes["messaging.client.id"] == "test-producer"
    assert span.status is StatusCode.UNSET


def test_both_spans_say_what_the_record_is(
    instrumented: Recording, producer: KafkaProducer, consumer: MakeConsumer, topic: str
) -> None:
    headers = [("ce_type", b"OrderCreated"), ("ce_specversion", b"1.0")]
    producer.send(topic, value=b"\x00\x00\x00\x00\x07avro", headers=headers).get(10)
    received(consumer(topic))
    assert len(instrumented.finished) == 2
    for span in instrumented.finished:
        assert span.attributes["cloudevents.event_type"] == "OrderCreated"
        assert span.attributes["laban.message.schema_id"] == "7"


def test_the_span_of_a_rejected_record_is_an_error(
    instrumented: Recording, embedded_broker: str, topic: str
) -> None:
    producer = KafkaProducer(bootstrap_servers=embedded_broker, max_request_size=100)
    with pytest.raises(MessageSizeTooLargeError):
        producer.send(topic, value=b"v" * 1_000)
    producer.close()
    span = sent(instrumented)
    assert span.exceptions == ["kafka.errors.MessageSizeTooLargeError"]
    assert span.status is StatusCode.ERROR
    assert span.attributes["error.type"] == "MessageSizeTooLargeError"


def test_a_later_send_failure_is_recorded_and_reaches_the_caller(
    instrumented: Recording, topic: str, tmp_path: Path
) -> None:
    port = free_port()
    broker = start_broker(port, tmp_path / "broker.log")
    producer = KafkaProducer(
        bootstrap_servers=f"127.0.0.1:{port}", linger_ms=0, request_timeout_ms=400, delivery_timeout_ms=500
    )
    producer.send(topic, value=b"v").get(10)
    broker.kill()  # a clean stop would wait for its clients
    broker.wait()
    instrumented.clear()
    future = producer.send(topic, value=b"v")
    with pytest.raises(KafkaError) as refused:
        future.get(10)
    producer.close(timeout=1)
    span = sent(instrumented)
    assert span.attributes["error.type"] == type(refused.value).__qualname__
    assert span.status is StatusCode.ERROR


def test_headers_are_copied_and_old_propagation_headers_are_replaced(
    instrumented: Recording, producer: KafkaProducer, consumer: MakeConsumer, topic: str
) -> None:
    stale = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    headers = [("traceparent", stale.encode()), ("baggage", b"order.id=old"), ("mine", b"x"), ("mine", b"y")]
    before = list(headers)
    producer.send(topic, value=b"v", key=b"1001", headers=headers).get(10)
    assert headers == before
    span = sent(instrumented)
    record = received(consumer(topic))
    (traceparent,) = [value.decode() for name, value in record.headers if name == "traceparent"]
    assert traceparent.startswith(f"00-{span.trace:032x}-{span.id:016x}-")
    assert [value for name, value in record.headers if name == "mine"] == [b"x", b"y"]
    assert b"order.id=1001" in dict(record.headers)["baggage"]


def test_positional_arguments_work_as_without_laban(
    instrumented: Recording, producer: KafkaProducer, consumer: MakeConsumer, topic: str
) -> None:
    record = producer.send(topic, b"value", b"key", None, 0, 1_700_000_000_000).get(10)
    assert (record.partition, record.timestamp) == (0, 1_700_000_000_000)
    record = received(consumer(topic))
    assert (record.key, record.value) == (b"key", b"value")
    assert "traceparent" in dict(record.headers)


@pytest.mark.parametrize("headers", [(("a", b"1"),), [("a", "1")]])
def test_headers_that_kafka_rejects_are_still_rejected(
    instrumented: Recording, producer: KafkaProducer, topic: str, headers: Any
) -> None:
    with pytest.raises(TypeError):
        producer.send(topic, value=b"v", headers=headers)
    assert sent(instrumented).status is StatusCode.ERROR


def as_text(value: object) -> bytes:
    return repr(value).encode()


def test_serialisers_receive_the_users_values(
    instrumented: Recording, embedded_broker: str, consumer: MakeConsumer, topic: str
) -> None:
    producer = KafkaProducer(
        bootstrap_servers=embedded_broker,
        key_serializer=as_text,
        value_serializer=as_text,
    )
    producer.send(topic, {"total": 3}, 1001).get(10)
    producer.close()
    record = received(consumer(topic))
    assert (record.key, record.value) == (b"1001", b"{'total': 3}")
    assert sent(instrumented).attributes["messaging.kafka.message.key"] == "1001"


def test_both_spans_of_a_dead_letter_have_its_origin(
    instrumented: Recording, producer: KafkaProducer, consumer: MakeConsumer, topic: str
) -> None:
    origin = [("kafka_dlt-original-topic", b"orders"), ("kafka_dlt-original-partition", b"2")]
    origin += [("kafka_dlt-original-offset", (7).to_bytes(8, "big")), ("kafka_deliveryAttempt", b"3")]
    producer.send(topic, value=b"v", headers=origin).get(10)
    received(consumer(topic))
    assert len(instrumented.finished) == 2
    for span in instrumented.finished:
        assert span.attributes["laban.dead_letter.original.topic"] == "orders"
        assert span.attributes["laban.dead_letter.original.partition"] == 2
        assert span.attributes["laban.dead_letter.original.offset"] == 7
        assert span.attributes["laban.delivery.attempt"] == 3


def test_upstreams_hooks_and_instrumentor_still_work(
    recording: Recording, embedded_broker: str, topic: str
) -> None:
    def produce_hook(span: Any, args: Any, kwargs: Any) -> None:
        span.set_attribute("hook.topic", args[0])
        kwargs["headers"].append(("from-hook", b"1"))

    def consume_hook(span: Any, record: Any, _args: Any, _kwargs: Any) -> None:
        span.set_attribute("hook.header", dict(record.headers)["from-hook"].decode())

    instrumentor = LabanKafkaInstrumentor()
    assert isinstance(instrumentor, KafkaInstrumentor)
    instrumentor.instrument(
        tracer_provider=recording.provider, produce_hook=produce_hook, consume_hook=consume_hook
    )
    try:
        with KafkaProducer(bootstrap_servers=embedded_broker) as producer:
            producer.send(topic, value=b"v").get(10)
        consuming = KafkaConsumer(
            topic, bootstrap_servers=embedded_broker, auto_offset_reset="earliest", consumer_timeout_ms=1_000
        )
        with consuming:
            received(consuming)
    finally:
        instrumentor.uninstrument()
    send, process = recording.finished
    assert send.attributes["hook.topic"] == topic
    assert process.attributes["hook.header"] == "1"


def raising(*_: object) -> None:
    raise RuntimeError("hook")


def test_hooks_that_raise_do_no_harm(
    recording: Recording, embedded_broker: str, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    instrumentor = LabanKafkaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider, produce_hook=raising, consume_hook=raising)
    try:
        with KafkaProducer(bootstrap_servers=embedded_broker) as producer:
            for _ in range(2):
                producer.send(topic, value=b"v").get(10)
        with KafkaConsumer(
            topic, bootstrap_servers=embedded_broker, auto_offset_reset="earliest", consumer_timeout_ms=1_000
        ) as consuming:
            assert len([record.value for record in consuming]) == 2
    finally:
        instrumentor.uninstrument()
    assert len(recording.finished) == 4
    assert len([line for line in caplog.messages if "produce_hook" in line]) <= 1
    assert not trace.get_current_span().is_recording()
