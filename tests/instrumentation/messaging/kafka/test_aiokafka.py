"""aiokafka consumers and producers, against a real broker."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from typing import Any

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError
from opentelemetry import baggage, trace
from opentelemetry.context import attach, detach
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from opentelemetry.trace import SpanKind, StatusCode

from laban import fail_open
from laban.messaging import delivery, process_span
from laban.messaging.aiokafka import producer as producer_module
from laban.messaging.aiokafka.instrumentor import LabanAiokafkaInstrumentor

from ...recording import Recording
from .spans import assert_describes_its_record, assert_in_the_trace_of_its_request, keys, processed, work

Filled = Callable[[int], str]
Consuming = Callable[..., Any]


@pytest.fixture(autouse=True)
def traced(recording: Recording) -> Generator[None]:
    instrumentor = LabanAiokafkaInstrumentor()
    instrumentor.instrument(tracer_provider=recording.provider)
    yield
    instrumentor.uninstrument()
    assert process_span.open_spans() == []


@pytest.fixture
def consuming(embedded_broker: str) -> Consuming:
    @asynccontextmanager
    async def consume(*topics: str, **options: Any) -> AsyncGenerator[AIOKafkaConsumer]:
        options = {"auto_offset_reset": "earliest", "client_id": "test-consumer"} | options
        consumer = AIOKafkaConsumer(*topics, bootstrap_servers=embedded_broker, **options)
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    return consume


@pytest.fixture
def producing(embedded_broker: str) -> Consuming:
    def produce(**options: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(bootstrap_servers=embedded_broker, client_id="test-producer", **options)

    return produce


def run(main: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(main, 30))


def index_of(record: Any) -> int:
    return int(record.key[1:])


def test_a_loop_runs_in_the_span_of_each_record(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            async for record in consumer:
                work(recording, f"work {index_of(record)}")
                if record.offset == 2:
                    break
            work(recording, "after")

    run(main(filled(3)))
    assert keys(recording) == ["k0", "k1", "k2"]
    assert_in_the_trace_of_its_request(recording, 3)
    assert [span.status for span in processed(recording)] == [StatusCode.UNSET] * 3
    assert recording.one("after").parent is None


def test_code_after_getone_runs_in_the_span_until_the_next_call(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            for _ in range(2):
                work(recording, f"work {index_of(await consumer.getone())}")

    run(main(filled(2)))
    assert keys(recording) == ["k0", "k1"]
    assert_in_the_trace_of_its_request(recording, 2)


def test_loops_over_batches_run_in_the_span_of_each_record(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            taken = 0
            while taken < 3:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        await asyncio.sleep(0)
                        work(recording, f"work {index_of(record)}")
                        taken += 1
            work(recording, "after")

    run(main(filled(3)))
    assert keys(recording) == ["k0", "k1", "k2"]
    assert_in_the_trace_of_its_request(recording, 3)
    assert recording.one("after").parent is None


def test_tasks_that_share_a_consumer_keep_their_own_records(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def worker(consumer: AIOKafkaConsumer, both: asyncio.Barrier) -> None:
        record = await consumer.getone()
        await both.wait()
        work(recording, f"work {index_of(record)}")

    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            both = asyncio.Barrier(2)
            await asyncio.gather(*(asyncio.create_task(worker(consumer, both)) for _ in range(2)))

    run(main(filled(2)))
    assert sorted(keys(recording)) == ["k0", "k1"]
    assert_in_the_trace_of_its_request(recording, 2)


def test_a_task_per_record_runs_in_the_trace_of_its_record(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def handle(record: Any) -> None:
        await asyncio.sleep(0)
        work(recording, f"work {index_of(record)}")

    async def main(topic: str) -> None:
        tasks = []
        async with consuming(topic) as consumer:
            async for record in consumer:
                tasks.append(asyncio.create_task(handle(record)))
                if record.offset == 1:
                    break
        await asyncio.gather(*tasks)

    run(main(filled(2)))
    assert keys(recording) == ["k0", "k1"]
    assert_in_the_trace_of_its_request(recording, 2)


async def fail_at_first(consumer: AIOKafkaConsumer) -> None:
    async for _ in consumer:
        await asyncio.sleep(0)
        raise ValueError("poison")


def test_an_exception_that_leaves_the_with_block_is_recorded(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            await fail_at_first(consumer)

    with pytest.raises(ValueError, match="poison"):
        run(main(filled(1)))
    (span,) = processed(recording)
    assert (span.exceptions, span.status) == (["ValueError"], StatusCode.ERROR)


def test_an_exception_that_ends_its_task_is_recorded(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            task = asyncio.create_task(fail_at_first(consumer))
            await asyncio.wait([task])
            assert isinstance(task.exception(), ValueError)
            await asyncio.sleep(0)
            assert processed(recording)[0].exceptions == ["ValueError"]

    run(main(filled(1)))


def test_cancelling_a_task_while_it_handles_a_record_is_not_an_error(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def forever(consumer: AIOKafkaConsumer, taken: asyncio.Event) -> None:
        async for _ in consumer:
            taken.set()
            await asyncio.Event().wait()

    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            taken = asyncio.Event()
            task = asyncio.create_task(forever(consumer, taken))
            await taken.wait()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    run(main(filled(1)))
    assert [span.status for span in processed(recording)] == [StatusCode.UNSET]


def test_an_exception_swallowed_outside_the_loop_leaves_an_error_without_its_name(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            with contextlib.suppress(ValueError):
                await fail_at_first(consumer)
            work(recording, "between")
            await consumer.getone()

    run(main(filled(2)))
    first, second = processed(recording)
    assert (first.status, first.attributes["error.type"]) == (StatusCode.ERROR, "_OTHER")
    assert second.status is StatusCode.UNSET
    assert recording.one("between").parent is None


def test_a_timeout_while_waiting_for_a_record_has_no_effect(
    recording: Recording, filled: Filled, consuming: Consuming
) -> None:
    async def main(topic: str) -> None:
        async with consuming(topic) as consumer:
            await consumer.getone()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(consumer.getone(), 0.2)
            work(recording, "after")

    run(main(filled(1)))
    assert keys(recording) == ["k0"]
    assert recording.one("after").parent is None


def test_the_process_span_describes_its_record(
    recording: Recording, filled: Filled, consuming: Consuming, embedded_broker: str
) -> None:
    topic = filled(1)
    group = f"group-{topic}"

    async def main() -> None:
        options = {"group_id": group, "session_timeout_ms": 6_000, "heartbeat_interval_ms": 1_000}
        async with consuming(topic, **options) as consumer:
            await consumer.getone()

    run(main())
    (span,) = processed(recording)
    expected = {
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 0,
        "messaging.kafka.message.key": "k0",
        "messaging.consumer.group.name": group,
        "messaging.message.body.size": 1,
        "order.id": "k0",
    }
    assert_describes_its_record(span, embedded_broker, expected)


def test_a_redelivered_record_is_marked(recording: Recording, filled: Filled, consuming: Consuming) -> None:
    async def main(topic: str) -> None:
        async with consuming() as consumer:
            partition = TopicPartition(topic, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            await consumer.getone()
            consumer.seek(partition, 0)
            await consumer.getone()

    run(main(filled(1)))
    marks = [span.attributes.get("laban.kafka.redelivered") for span in processed(recording)]
    assert marks == [None, True]


def test_the_send_span_has_partition_and_offset_and_headers_are_copied(
    recording: Recording, producing: Consuming, consuming: Consuming, topic: str
) -> None:
    stale = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    headers = [("traceparent", stale.encode()), ("mine", b"x")]
    before = list(headers)

    async def main() -> tuple[Any, Any]:
        async with producing() as producer:
            with recording.tracer.start_as_current_span("request"):
                sent = await producer.send_and_wait(topic, b"v", b"1001", headers=headers)
        async with consuming(topic) as consumer:
            return sent, await consumer.getone()

    sent, record = run(main())
    assert headers == before
    (span,) = recording.of_kind(SpanKind.PRODUCER)
    assert (span.name, span.parent) == (f"send {topic}", recording.one("request").id)
    assert span.attributes["messaging.destination.partition.id"] == str(sent.partition)
    assert span.attributes["messaging.kafka.offset"] == sent.offset
    assert span.attributes["messaging.client.id"] == "test-producer"
    (traceparent,) = [value.decode() for name, value in record.headers if name == "traceparent"]
    assert traceparent.startswith(f"00-{span.trace:032x}-{span.id:016x}-")
    assert ("mine", b"x") in record.headers
    assert processed(recording)[0].parent == span.id


def test_all_arguments_can_be_positional(
    recording: Recording, producing: Consuming, consuming: Consuming, topic: str
) -> None:
    async def main() -> Any:
        async with producing() as producer:
            await (await producer.send(topic, None, b"k", 0, 1_700_000_000_000, [("a", b"1")]))
        async with consuming(topic) as consumer:
            return await consumer.getone()

    record = run(main())
    assert (record.value, record.timestamp, dict(record.headers)["a"]) == (None, 1_700_000_000_000, b"1")
    for span in recording.finished:
        assert span.attributes["messaging.kafka.message.tombstone"] is True


def test_the_senders_baggage_is_current_in_the_hook_and_the_handler(
    recording: Recording, producing: Consuming, consuming: Consuming, topic: str
) -> None:
    seen: list[object] = []

    async def hook(*_: Any) -> None:
        seen.append(baggage.get_baggage("tenant"))

    async def main() -> None:
        async with producing() as producer:
            token = attach(baggage.set_baggage("tenant", "acme"))
            await producer.send_and_wait(topic, b"v")
            detach(token)
        async with consuming(topic) as consumer:
            await consumer.getone()
            seen.append(baggage.get_baggage("tenant"))

    instrumentor = LabanAiokafkaInstrumentor()
    instrumentor.uninstrument()
    instrumentor.instrument(tracer_provider=recording.provider, async_consume_hook=hook)
    run(main())
    assert seen == ["acme", "acme"]


def test_a_rejected_record_is_an_error(recording: Recording, producing: Consuming, topic: str) -> None:
    async def main() -> None:
        async with producing(max_request_size=100) as producer:
            with pytest.raises(MessageSizeTooLargeError):
                await producer.send(topic, b"v" * 1_000)
            with pytest.raises(AssertionError):
                await producer.send(topic)

    run(main())
    refused = recording.of_kind(SpanKind.PRODUCER)
    assert [span.attributes["error.type"] for span in refused] == [
        "MessageSizeTooLargeError",
        "AssertionError",
    ]


def test_each_record_of_a_producer_batch_has_a_span(
    recording: Recording, producing: Consuming, consuming: Consuming, topic: str
) -> None:
    async def main() -> None:
        async with producing(max_batch_size=300) as producer:
            batch = producer.create_batch()
            with recording.tracer.start_as_current_span("request"):
                assert batch.append(key=b"k0", value=b"a", timestamp=None) is not None
                assert batch.append(key=b"k1", value=None, timestamp=None, headers=[("a", b"1")]) is not None
                assert batch.append(key=b"k2", value=b"too much" * 100, timestamp=None) is None
            await (await producer.send_batch(batch, topic, partition=0))
        async with consuming(topic) as consumer:
            for _ in range(2):
                await consumer.getone()

    run(main())
    sent = recording.of_kind(SpanKind.PRODUCER)
    assert [(span.name, span.attributes["messaging.kafka.offset"]) for span in sent] == [
        (f"send {topic}", 0),
        (f"send {topic}", 1),
    ]
    assert {span.parent for span in sent} == {recording.one("request").id}
    assert [span.parent for span in processed(recording)] == [span.id for span in sent]


@pytest.mark.kafka
def test_transactions_commit_and_abort_as_without_laban(
    recording: Recording, real_kafka: str, topic: str
) -> None:
    async def main() -> list[bytes | None]:
        async with AIOKafkaProducer(bootstrap_servers=real_kafka, transactional_id=f"tx-{topic}") as producer:
            async with producer.transaction():
                await producer.send_and_wait(topic, b"kept", b"1")
            with contextlib.suppress(ValueError):
                async with producer.transaction():
                    await producer.send_and_wait(topic, b"dropped", b"2")
                    raise ValueError
            async with producer.transaction():
                await producer.send(topic, b"last", b"3")
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=real_kafka,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        async with consumer:
            return [(await consumer.getone()).value for _ in range(2)]

    _make_topic(real_kafka, topic)
    assert run(main()) == [b"kept", b"last"]
    assert len(recording.of_kind(SpanKind.PRODUCER)) == 3
    assert keys(recording) == ["1", "3"]
    assert len({span.trace for span in processed(recording)}) == 2


def _make_topic(address: str, topic: str) -> None:
    async def make() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=address)
        await admin.start()
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
        await admin.close()

    run(make())


def test_upstreams_hooks_work_and_can_raise(
    recording: Recording, producing: Consuming, consuming: Consuming, topic: str
) -> None:
    async def produce_hook(span: Any, args: Any, kwargs: Any) -> None:
        await asyncio.sleep(0)
        span.set_attribute("hook.topic", args[0])
        kwargs["headers"].append(("from-hook", b"1"))

    async def consume_hook(span: Any, record: Any, _args: Any, _kwargs: Any) -> None:
        span.set_attribute("hook.header", dict(record.headers)["from-hook"].decode())
        raise RuntimeError("hook")

    instrumentor = LabanAiokafkaInstrumentor()
    assert isinstance(instrumentor, AIOKafkaInstrumentor)
    instrumentor.uninstrument()
    instrumentor.instrument(
        tracer_provider=recording.provider, async_produce_hook=produce_hook, async_consume_hook=consume_hook
    )

    async def main() -> None:
        async with producing() as producer:
            for _ in range(2):
                await producer.send_and_wait(topic, b"v", partition=0)
        async with consuming(topic) as consumer:
            await consumer.getone()
            for records in (await consumer.getmany(timeout_ms=5_000)).values():
                assert len([record.value for record in records]) == 1

    run(main())
    assert {span.attributes["hook.topic"] for span in recording.of_kind(SpanKind.PRODUCER)} == {topic}
    assert [span.attributes["hook.header"] for span in processed(recording)] == ["1", "1"]
    assert not trace.get_current_span().is_recording()


def test_a_failure_inside_laban_does_not_stop_the_program(
    recording: Recording,
    producing: Consuming,
    consuming: Consuming,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(producer_module, "start_send_span", broken)
    monkeypatch.setattr(delivery, "start_processing", broken)
    monkeypatch.setattr(fail_open, "_warned", set())

    async def main() -> list[Any]:
        async with producing() as producer:
            for _ in range(2):
                await producer.send_and_wait(topic, b"v", partition=0)
            batch = producer.create_batch()
            assert batch.append(key=None, value=b"v", timestamp=None) is not None
            await (await producer.send_batch(batch, topic, partition=0))
        async with consuming(topic) as consumer:
            return [(await consumer.getone()).value for _ in range(3)]

    assert run(main()) == [b"v"] * 3
    assert recording.finished == []
    assert len([line for line in caplog.messages if line.startswith("laban")]) == 3


def test_uninstrument_restores_the_client(recording: Recording) -> None:
    LabanAiokafkaInstrumentor().uninstrument()
    try:
        for method in ("getone", "getmany", "stop", "__aiter__"):
            assert not hasattr(getattr(aiokafka.AIOKafkaConsumer, method), "__wrapped__")
        for method in ("send", "create_batch", "send_batch"):
            assert not hasattr(getattr(aiokafka.AIOKafkaProducer, method), "__wrapped__")
    finally:
        LabanAiokafkaInstrumentor().instrument(tracer_provider=recording.provider)
