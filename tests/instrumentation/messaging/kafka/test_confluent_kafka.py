"""confluent-kafka consumers and producers, against a real broker."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka import cimpl
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from confluent_kafka.error import ValueDeserializationError
from confluent_kafka.serialization import StringDeserializer, StringSerializer
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor
from opentelemetry.trace import SpanKind, StatusCode

import laban
from laban import fail_open
from laban.messaging import delivery, process_span
from laban.messaging.confluent_kafka import producer as producer_module
from laban.messaging.confluent_kafka.instrumentor import LabanConfluentKafkaInstrumentor

from ...processes import environment
from ...recording import EndedSpan, Recording
from .spans import assert_describes_its_record, assert_in_the_trace_of_its_request, keys, processed, work

Filled = Callable[[int], str]
MakeConsumer = Callable[..., Any]

PlainConsumer, PlainProducer = confluent_kafka.Consumer, confluent_kafka.Producer
"""References as in a program that imports the classes before instrumentation."""


class OwnConsumer(confluent_kafka.Consumer):
    """A subclass defined before instrumentation."""


@pytest.fixture(autouse=True)
def traced(recording: Recording) -> Generator[None]:
    instrumentor = LabanConfluentKafkaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield
    instrumentor.uninstrument()
    assert process_span.open_spans() == []


@pytest.fixture
def consumer(embedded_broker: str) -> Generator[MakeConsumer]:
    """Creates consumers of the whole topic, without joining a group."""
    made: list[Any] = []

    def make(topic: str, kind: Any = None, **options: Any) -> Any:
        config = {
            "bootstrap.servers": embedded_broker,
            "group.id": f"group-{topic}",
            "client.id": "test-consumer",
        }
        consuming = (kind or confluent_kafka.Consumer)({**config, **options})
        made.append(consuming)
        consuming.assign([confluent_kafka.TopicPartition(topic, 0, 0)])
        return consuming

    yield make
    for each in made:
        each.close()


@pytest.fixture
def sender(embedded_broker: str) -> Any:
    return confluent_kafka.Producer({"bootstrap.servers": embedded_broker, "client.id": "test-producer"})


class Reports(list[Any]):
    """A delivery report that records its errors; None for a success."""

    def __call__(self, error: Any, _message: Any) -> None:
        self.append(error)


def sent(recording: Recording) -> list[EndedSpan]:
    return recording.of_kind(SpanKind.PRODUCER)


def polled(consuming: Any) -> Any:
    """Poll until a message arrives."""
    while True:
        message = consuming.poll(5)
        if message is not None:
            assert message.error() is None
            return message


def consumed(consuming: Any, count: int) -> Any:
    messages = consuming.consume(count, 10)
    assert len(messages) == count
    return messages


def test_code_after_poll_runs_in_the_span_until_the_next_call(
    recording: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(2))
    for index in range(2):
        polled(consuming)
        work(recording, f"work {index}")
    assert consuming.poll(0) is None
    work(recording, "after")
    assert keys(recording) == ["k0", "k1"]
    assert_in_the_trace_of_its_request(recording, 2)
    assert recording.one("after").parent is None


def test_loops_over_a_consumed_list_run_in_the_span_of_each_record(
    recording: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    for index, _ in enumerate(consumed(consumer(filled(3)), 3)):
        work(recording, f"work {index}")
    work(recording, "after")
    assert keys(recording) == ["k0", "k1", "k2"]
    assert_in_the_trace_of_its_request(recording, 3)
    assert recording.one("after").parent is None


def test_an_error_report_has_no_span(recording: Recording, filled: Filled, consumer: MakeConsumer) -> None:
    consuming = consumer(filled(1), **{"enable.partition.eof": True})
    reports = consuming.consume(2, 10)
    assert [message.error() is None for message in reports] == [True, False]
    work(recording, "after")
    assert keys(recording) == ["k0"]


def test_an_exception_visible_in_close_is_recorded(
    recording: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(1))

    def consume() -> None:
        try:
            polled(consuming)
            raise ValueError("poison")
        finally:
            consuming.close()

    with pytest.raises(ValueError, match="poison"):
        consume()
    (span,) = processed(recording)
    assert (span.exceptions, span.status) == (["ValueError"], StatusCode.ERROR)


def test_threads_that_share_a_consumer_keep_their_own_records(
    recording: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(2))

    def take() -> int:
        index = int(polled(consuming).key()[1:])
        work(recording, f"work {index}")
        return index

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        assert {one.submit(take).result(), other.submit(take).result()} == {0, 1}
    consuming.close()
    assert_in_the_trace_of_its_request(recording, 2)


def test_a_poll_in_an_executor_sets_no_current_span_and_processing_continues_it(
    recording: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(2))

    async def main(pool: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        for index in range(2):
            message = await loop.run_in_executor(pool, consuming.poll, 10)
            assert not (await loop.run_in_executor(pool, trace.get_current_span)).is_recording()
            with laban.processing(message):
                work(recording, f"work {index}")

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(main(pool))
    assert keys(recording) == ["k0", "k1"]
    assert_in_the_trace_of_its_request(recording, 2)


def test_the_process_span_describes_its_record(
    recording: Recording, filled: Filled, consumer: MakeConsumer, embedded_broker: str
) -> None:
    topic = filled(1)
    consuming = consumer(topic)
    polled(consuming)
    consuming.close()
    (span,) = processed(recording)
    expected = {
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
        "messaging.kafka.message.key": "k0",
        "messaging.consumer.group.name": f"group-{topic}",
        "messaging.message.body.size": 1,
        "order.id": "k0",
    }
    assert_describes_its_record(span, embedded_broker, expected)


def test_a_redelivered_record_is_marked(recording: Recording, filled: Filled, consumer: MakeConsumer) -> None:
    topic = filled(1)
    consuming = consumer(topic)
    polled(consuming)
    consuming.seek(confluent_kafka.TopicPartition(topic, 0, 0))
    polled(consuming)
    consuming.close()
    marks = [span.attributes.get("laban.kafka.redelivered") for span in processed(recording)]
    assert marks == [None, True]


@pytest.mark.parametrize("name", ["PlainConsumer", "OwnConsumer"])
def test_a_class_imported_before_instrumenting_is_traced(
    recording: Recording, filled: Filled, consumer: MakeConsumer, name: str
) -> None:
    consuming = consumer(filled(1), globals()[name])
    polled(consuming)
    consuming.close()
    assert keys(recording) == ["k0"]


def test_a_consumer_created_before_instrumenting_can_be_traced_explicitly(
    recording: Recording, filled: Filled, consumer: MakeConsumer, embedded_broker: str
) -> None:
    instrumentor = LabanConfluentKafkaInstrumentor()
    topic = filled(1)
    instrumentor.uninstrument()
    plain = consumer(topic)
    plain_type = cimpl.Consumer
    assert type(plain) is plain_type
    producer = cimpl.Producer({"bootstrap.servers": embedded_broker})
    by_hand = instrumentor.instrument_consumer(plain, recording.provider, bootstrap_servers="seed:9092")
    producing = instrumentor.instrument_producer(producer, recording.provider, "seed:9093,other:9092")
    instrumentor.instrument(tracer_provider=recording.provider)
    assert isinstance(by_hand, plain_type)
    polled(by_hand)
    by_hand.close()
    assert keys(recording) == ["k0"]
    assert processed(recording)[0].attributes["server.address"] == "seed"
    assert instrumentor.uninstrument_consumer(by_hand) is plain
    producing.produce(topic, b"v")
    assert producing.flush(10) == 0
    assert len(sent(recording)) == 2
    assert sent(recording)[1].attributes["server.port"] == 9093


def test_an_empty_consume_has_no_span_and_ends_the_previous_one(
    recording: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(1))
    consumed(consuming, 1)
    assert consuming.consume(1, 0) == []
    work(recording, "after")
    assert len(processed(recording)) <= 1  # a list that is not iterated is not handled
    assert recording.one("after").parent is None


def test_the_old_setting_name_of_the_brokers_is_supported(
    recording: Recording, embedded_broker: str, topic: str
) -> None:
    producing = confluent_kafka.Producer({"metadata.broker.list": f"{embedded_broker},other:9092"})
    producing.produce(topic, b"v")
    assert producing.flush(10) == 0
    (span,) = sent(recording)
    host, port = embedded_broker.split(":")
    assert (span.attributes["server.address"], span.attributes["server.port"]) == (host, int(port))


def test_the_senders_baggage_is_current_in_the_handler(
    recording: Recording, sender: Any, consumer: MakeConsumer, topic: str
) -> None:
    token = attach(baggage.set_baggage("tenant", "acme"))
    sender.produce(topic, b"v", partition=0)
    detach(token)
    assert sender.flush(10) == 0
    polled(consumer(topic))
    assert baggage.get_baggage("tenant") == "acme"


@pytest.mark.parametrize("headers", [None, {"mine": "x"}, [("mine", b"x"), ("traceparent", b"stale")]])
def test_the_send_span_ends_with_the_delivery_report_and_headers_are_copied(
    recording: Recording, sender: Any, consumer: MakeConsumer, topic: str, headers: Any
) -> None:
    before = headers.copy() if headers else None
    reports = Reports()
    with recording.tracer.start_as_current_span("request"):
        sender.produce(
            topic,
            b"v",
            b"1001",
            0,
            headers=headers,
            on_delivery=reports,
        )
    assert sender.flush(10) == 0
    assert (headers, reports) == (before, [None])
    (span,) = sent(recording)
    assert (span.name, span.parent) == (f"send {topic}", recording.one("request").id)
    assert span.attributes["messaging.destination.partition.id"] == "0"
    assert span.attributes["messaging.kafka.offset"] == 0
    assert span.attributes["messaging.client.id"] == "test-producer"
    consuming = consumer(topic)
    received = polled(consuming).headers()
    consuming.close()
    (traceparent,) = [value.decode() for name, value in received if name == "traceparent"]
    assert traceparent.startswith(f"00-{span.trace:032x}-{span.id:016x}-")
    assert processed(recording)[0].parent == span.id


def test_all_arguments_can_be_positional(
    recording: Recording, sender: Any, consumer: MakeConsumer, topic: str
) -> None:
    reports = Reports()
    sender.produce(topic, None, "key", 0, reports, None, 1_700_000_000_000, [("a", "1")])
    sender.produce(topic, "", "key", 0, None, reports)
    sender.flush(10)
    consuming = consumer(topic)
    tombstone, empty = consumed(consuming, 2)
    assert reports == [None, None]
    assert (tombstone.value(), tombstone.timestamp()[1], dict(tombstone.headers())["a"]) == (
        None,
        1_700_000_000_000,
        b"1",
    )
    assert empty.value() == b""
    marks = [span.attributes.get("messaging.kafka.message.tombstone") for span in recording.finished]
    assert marks == [True, None, True, None]
    assert processed(recording)[1].attributes["messaging.message.body.size"] == 0


def test_arguments_that_produce_rejects_are_still_rejected(
    recording: Recording, sender: Any, topic: str
) -> None:
    with pytest.raises(TypeError):
        sender.produce(topic, b"v", topic=topic)
    with pytest.raises(TypeError):
        sender.produce(topic, 3)
    (span,) = sent(recording)
    assert (span.status, span.exceptions) == (StatusCode.ERROR, ["TypeError"])


def test_a_failed_delivery_is_recorded_and_reported(recording: Recording, topic: str) -> None:
    reports = Reports()
    nowhere = {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 10, "log_level": 0}
    producing = confluent_kafka.Producer(nowhere, on_delivery=reports)
    producing.produce(topic, b"v")
    producing.flush(10)
    (span,) = sent(recording)
    assert (span.status, span.attributes["error.type"]) == (StatusCode.ERROR, "KafkaException")
    assert [error.name() for error in reports] == ["_MSG_TIMED_OUT"]


def test_with_reports_of_errors_only_the_send_span_ends_immediately(
    recording: Recording, embedded_broker: str, topic: str
) -> None:
    producing = confluent_kafka.Producer(
        {"bootstrap.servers": embedded_broker, "delivery.report.only.error": True}
    )
    producing.produce(topic, b"v")
    assert len(sent(recording)) == 1
    producing.flush(10)


def test_a_batch_has_one_span_per_record_and_keeps_its_callbacks(
    recording: Recording, sender: Any, topic: str
) -> None:
    default, own = Reports(), Reports()
    messages: list[dict[str, Any]] = [
        {"value": b"a", "key": b"1"},
        {"value": b"b", "callback": own},
        {"value": b"c" * 2_000_000},
    ]
    before = [message.copy() for message in messages]
    count = sender.produce_batch(topic, messages, 0, on_delivery=default)
    sender.flush(10)
    spans_sent = sent(recording)
    assert len(spans_sent) == 3
    assert spans_sent[0].attributes["messaging.kafka.offset"] == 0
    assert spans_sent[1].attributes["messaging.kafka.offset"] == 1
    assert spans_sent[2].status is StatusCode.ERROR
    assert own == [None]
    assert [
        {name: message[name] for name in was} for message, was in zip(messages, before, strict=True)
    ] == before
    assert ("_error" in messages[2]) == (count == 2)
    with pytest.raises(TypeError):
        sender.produce_batch(topic, "no list")


def test_serialising_clients_are_traced(
    recording: Recording, embedded_broker: str, consumer: MakeConsumer, topic: str
) -> None:
    text = StringSerializer("utf_8")
    producing = confluent_kafka.SerializingProducer(
        {"bootstrap.servers": embedded_broker, "key.serializer": text, "value.serializer": text}
    )
    producing.produce(topic, "1001", "v", partition=0)
    producing.flush(10)
    deserialised = {"key.deserializer": StringDeserializer(), "value.deserializer": StringDeserializer()}
    consuming = consumer(topic, confluent_kafka.DeserializingConsumer, **deserialised)
    message = polled(consuming)
    work(recording, "work")
    consuming.close()
    assert (message.key(), message.value()) == ("1001", "v")
    (send,), (process,) = sent(recording), processed(recording)
    assert process.parent == send.id
    assert recording.one("work").parent == process.id
    assert process.attributes["messaging.kafka.message.key"] == "1001"


def test_a_deserialisation_error_is_recorded_on_the_span_of_its_record(
    recording: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    def refuse(_value: Any, _context: Any) -> None:
        raise ValueError("no schema")

    consuming = consumer(filled(1), confluent_kafka.DeserializingConsumer, **{"value.deserializer": refuse})
    with pytest.raises(ValueDeserializationError):
        polled(consuming)
    consuming.close()
    (span,) = processed(recording)
    assert span.status is StatusCode.ERROR


@pytest.mark.kafka
def test_transactions_commit_and_abort_as_without_laban(
    recording: Recording, real_kafka: str, topic: str
) -> None:
    address: dict[str, Any] = {"bootstrap.servers": real_kafka}
    admin = AdminClient(address)
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    producing = confluent_kafka.Producer({**address, "transactional.id": f"tx-{topic}"})
    producing.init_transactions(30)
    for key, end in (("1", producing.commit_transaction), ("2", producing.abort_transaction)):
        producing.begin_transaction()
        producing.produce(topic, b"v", key)
        producing.flush(10)
        end(10)
    consuming = confluent_kafka.Consumer({**address, "group.id": topic, "auto.offset.reset": "earliest"})
    consuming.subscribe([topic])
    polled(consuming)
    assert consuming.poll(1) is None
    consuming.close()
    assert keys(recording) == ["1"]
    assert [span.attributes["messaging.kafka.message.key"] for span in sent(recording)] == ["1", "2"]
    assert processed(recording)[0].parent == sent(recording)[0].id


def test_a_failure_inside_laban_does_not_stop_the_program(
    recording: Recording,
    sender: Any,
    consumer: MakeConsumer,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(producer_module, "start_send_span", broken)
    monkeypatch.setattr(delivery, "start_processing", broken)
    monkeypatch.setattr(fail_open, "_warned", set())
    for _ in range(3):
        sender.produce(topic, b"v", partition=0)
    assert sender.flush(10) == 0
    consuming = consumer(topic)
    polled(consuming)
    assert [message.value() for message in consumed(consuming, 2)] == [b"v", b"v"]
    assert recording.finished == []
    assert len(caplog.messages) == 2


def test_uninstrument_restores_the_client(recording: Recording) -> None:
    instrumentor = LabanConfluentKafkaInstrumentor()
    assert isinstance(instrumentor, ConfluentKafkaInstrumentor)
    instrumentor.uninstrument()
    try:
        plain = (confluent_kafka.Consumer, confluent_kafka.Producer)
        assert [(kind.__module__, kind.__name__) for kind in plain] == [
            ("cimpl", "Consumer"),
            ("cimpl", "Producer"),
        ]
        assert cimpl.Consumer is confluent_kafka.Consumer
        assert OwnConsumer.__bases__ == (cimpl.Consumer,)
        assert confluent_kafka.SerializingProducer.__bases__[0] is cimpl.Producer
    finally:
        instrumentor.instrument(tracer_provider=recording.provider)


def test_a_program_that_never_polls_for_reports_loses_no_span(embedded_broker: str, topic: str) -> None:
    program = (
        "import laban; laban.setup(service='order')\n"
        "from confluent_kafka import Producer\n"
        f"producer = Producer({{'bootstrap.servers': '{embedded_broker}'}})\n"
        f"producer.produce('{topic}', b'v')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment({"OTEL_TRACES_EXPORTER": "console"}),
        timeout=60,
        check=True,
    )
    assert f'"name": "send {topic}"' in done.stdout
