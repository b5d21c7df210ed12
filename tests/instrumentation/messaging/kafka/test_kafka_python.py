"""kafka-python consumers, against a real broker."""

import logging
import pickle
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import StatusCode

from laban.messaging import process_span
from laban.messaging.kafka_python import LabanKafkaInstrumentor

from ...recording import Recording
from .conftest import MakeConsumer
from .spans import assert_describes_its_record, assert_in_the_trace_of_its_request, keys, processed, work

Filled = Callable[[int], str]


def fail_at_first(records: Iterable[object]) -> None:
    for _ in records:
        raise ValueError("poison")


def sum_up(records: Iterable[Any]) -> int:
    total = 0
    for record in records:
        total += record.offset
    return total


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """No test leaves a span open or current."""
    before = context.get_current()
    yield
    assert process_span.open_spans() == []
    assert trace.get_current_span(context.get_current()) is trace.get_current_span(before)


def test_a_loop_runs_in_the_span_of_each_record(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    for index, _ in enumerate(consumer(filled(3))):
        work(instrumented, f"work {index}")
    assert keys(instrumented) == ["k0", "k1", "k2"]
    assert_in_the_trace_of_its_request(instrumented, 3)


def test_code_after_next_runs_in_the_span_until_the_next_call(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(2))
    for index in range(2):
        next(consuming)
        work(instrumented, f"work {index}")
    consuming.close()
    assert keys(instrumented) == ["k0", "k1"]
    assert_in_the_trace_of_its_request(instrumented, 2)


def test_loops_over_polled_batches_run_in_the_span_of_each_record(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming, index = consumer(filled(3)), 0
    while index < 3:
        for records in consuming.poll(timeout_ms=500).values():
            for _ in records:
                work(instrumented, f"work {index}")
                index += 1
    assert keys(instrumented) == ["k0", "k1", "k2"]
    assert_in_the_trace_of_its_request(instrumented, 3)


def polled(consuming: KafkaConsumer) -> Any:
    while True:
        for records in consuming.poll(timeout_ms=500).values():
            return records


def test_a_polled_batch_is_a_list(instrumented: Recording, filled: Filled, consumer: MakeConsumer) -> None:
    records = polled(consumer(filled(2)))
    assert isinstance(records, list)
    assert (len(records), records[0].key, records[-1].key) == (2, b"k0", b"k1")
    assert processed(instrumented) == []
    assert type(pickle.loads(pickle.dumps(records))) is list  # noqa: S301 - our own bytes


def test_a_second_loop_over_a_batch_starts_no_second_span(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    records = polled(consumer(filled(2)))
    assert [record.key for record in records] == [record.key for record in records]
    assert keys(instrumented) == ["k0", "k1"]


def test_a_break_ends_the_span(instrumented: Recording, filled: Filled, consumer: MakeConsumer) -> None:
    for _ in consumer(filled(2)):
        break
    work(instrumented, "after")
    assert keys(instrumented) == ["k0"]
    assert instrumented.one("after").parent is None
    assert processed(instrumented)[0].status is StatusCode.UNSET


def test_a_break_out_of_a_batch_ends_the_span(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    for _ in polled(consumer(filled(2))):
        break
    work(instrumented, "after")
    assert keys(instrumented) == ["k0"]
    assert instrumented.one("after").parent is None


def test_a_return_out_of_the_loop_ends_the_span(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    def first(consuming: KafkaConsumer) -> Any:
        for record in consuming:
            return record.key
        return None

    assert first(consumer(filled(2))) == b"k0"
    assert keys(instrumented) == ["k0"]
    assert processed(instrumented)[0].status is StatusCode.UNSET


def test_a_generator_over_the_consumer_ends_the_span_when_it_is_closed(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    def records(consuming: KafkaConsumer) -> Generator[Any]:
        for record in consuming:  # noqa: UP028 - the loop is what is tested
            yield record

    generator = records(consumer(filled(2)))
    next(generator)
    work(instrumented, "work 0")
    generator.close()
    assert keys(instrumented) == ["k0"]
    assert processed(instrumented)[0].status is StatusCode.UNSET


@pytest.mark.parametrize("take", [list, sum_up])
def test_taking_some_records_with_islice_is_not_an_error(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer, take: Callable[[Iterable[Any]], object]
) -> None:
    take(islice(consumer(filled(3)), 2))
    work(instrumented, "after")
    assert keys(instrumented) == ["k0", "k1"]
    assert [span.status for span in processed(instrumented)] == [StatusCode.UNSET] * 2
    assert instrumented.one("after").parent is None


def test_a_nested_loop_over_the_same_batch_has_no_effect(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    records = polled(consumer(filled(2)))
    for index, _ in enumerate(records):
        assert len([record.key for record in records]) == 2
        work(instrumented, f"work {index}")
    first, *_ = processed(instrumented)
    assert instrumented.one("work 0").parent == first.id


def test_an_exception_visible_in_close_is_recorded(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(1))

    def consume() -> None:
        try:
            fail_at_first(consuming)
        finally:
            consuming.close()

    with pytest.raises(ValueError, match="poison"):
        consume()
    (span,) = processed(instrumented)
    assert span.exceptions == ["ValueError"]
    assert (span.status, span.message) == (StatusCode.ERROR, "ValueError: poison")
    assert span.attributes["error.type"] == "ValueError"


def test_an_exception_that_leaves_the_with_block_is_recorded(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    with pytest.raises(ValueError, match="poison"), consumer(filled(1)) as consuming:
        fail_at_first(consuming)
    assert processed(instrumented)[0].exceptions == ["ValueError"]


def test_an_exception_in_a_polled_batch_is_recorded(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    with pytest.raises(ValueError, match="poison"), consumer(filled(2)) as consuming:
        fail_at_first(polled(consuming))
    assert processed(instrumented)[0].exceptions == ["ValueError"]


def test_an_exception_swallowed_outside_the_loop_leaves_an_error_without_its_name(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(2))
    with pytest.raises(ValueError, match="poison"):
        fail_at_first(consuming)
    work(instrumented, "between")
    for _ in consuming:
        work(instrumented, "work 1")
    first, second = processed(instrumented)
    assert (first.status, first.attributes["error.type"]) == (StatusCode.ERROR, "_OTHER")
    assert second.status is StatusCode.UNSET
    between = instrumented.one("between")
    assert between.parent is None
    assert first.end <= between.start


def test_an_exception_logged_after_the_loop_is_recorded(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(1))
    try:
        fail_at_first(consuming)
    except ValueError:
        logging.getLogger("test").exception("gave up")
    assert processed(instrumented)[0].exceptions == ["ValueError"]


def test_an_exception_that_the_handler_logs_is_recorded(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    for _ in consumer(filled(1)):
        try:
            fail_at_first([1])
        except ValueError:
            logging.getLogger("test").exception("set aside")
        work(instrumented, "dead letter")
    (span,) = processed(instrumented)
    assert (span.exceptions, span.status) == (["ValueError"], StatusCode.ERROR)
    assert instrumented.one("dead letter").parent == span.id


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_uncaught_exception_in_a_thread_is_recorded(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(1))

    thread = threading.Thread(target=fail_at_first, args=[consuming])
    thread.start()
    thread.join()
    assert processed(instrumented)[0].exceptions == ["ValueError"]


def test_consumers_that_take_turns_restore_the_context(
    instrumented: Recording, filled: Filled, producer: KafkaProducer, consumer: MakeConsumer
) -> None:
    name = filled(3)
    first, second = consumer(name), consumer(name)
    for _ in range(3):
        next(first)
        next(second)
    first.close()
    second.close()
    work(instrumented, "after")
    assert instrumented.one("after").parent is None
    assert len(processed(instrumented)) == 6


def test_a_nested_loop_restores_the_span_of_the_outer_record(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    name = filled(1)
    for _ in consumer(name):
        outer = trace.get_current_span()
        for _ in consumer(name):
            work(instrumented, "inner")
        assert trace.get_current_span() is outer
        work(instrumented, "outer")
    one, two = processed(instrumented)
    assert instrumented.one("outer").parent == one.id
    assert instrumented.one("inner").parent == two.id


def test_the_current_span_becomes_a_link_and_not_the_parent(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    name = filled(1)
    with instrumented.tracer.start_as_current_span("job"):
        for _ in consumer(name):
            pass
        assert trace.get_current_span().name == "job"  # type: ignore[attr-defined]  # an SDK span
    (span,) = processed(instrumented)
    job = instrumented.one("job")
    assert span.links == [job.id]
    assert span.trace == instrumented.one("request 0").trace


def test_a_record_without_trace_context_starts_a_trace(
    instrumented: Recording, topic: str, producer: KafkaProducer, consumer: MakeConsumer
) -> None:
    with suppress_instrumentation():
        producer.send(topic, value=b"v").get(10)
    for _ in consumer(topic):
        pass
    assert processed(instrumented)[0].parent is None


def test_the_process_span_describes_its_record(
    instrumented: Recording, topic: str, producer: KafkaProducer, consumer: MakeConsumer, embedded_broker: str
) -> None:
    sent = producer.send(topic, value=b"value", key=b"1001").get(10)
    group = f"group-{topic}"
    options = {"group_id": group, "session_timeout_ms": 6_000, "heartbeat_interval_ms": 1_000}
    for _ in consumer(topic, consumer_timeout_ms=15_000, **options):
        break
    (span,) = processed(instrumented)
    expected = {
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(sent.partition),
        "messaging.kafka.offset": sent.offset,
        "messaging.kafka.message.key": "1001",
        "messaging.consumer.group.name": group,
        "messaging.message.body.size": 5,
        "order.id": "1001",
    }
    assert span.attributes["laban.kafka.message.timestamp_ms"] == sent.timestamp
    assert_describes_its_record(span, embedded_broker, expected)
    assert span.name == f"process {topic}"


def test_a_redelivered_record_is_marked(
    instrumented: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    name = filled(2)
    consuming = consumer()
    partition = TopicPartition(name, 0)
    consuming.assign([partition])
    consuming.seek_to_beginning(partition)
    next(consuming)
    consuming.seek(partition, 0)
    for _ in consuming:
        pass
    marks = [span.attributes.get("laban.kafka.redelivered") for span in processed(instrumented)]
    assert marks == [None, True, None]


def test_a_tombstone_is_marked(
    instrumented: Recording, topic: str, producer: KafkaProducer, consumer: MakeConsumer
) -> None:
    producer.send(topic, value=None, key=b"1").get(10)
    for _ in consumer(topic):
        pass
    assert processed(instrumented)[0].attributes["messaging.kafka.message.tombstone"] is True


def test_uninstrument_restores_the_client(instrumented: Recording, embedded_broker: str) -> None:
    LabanKafkaInstrumentor().uninstrument()
    try:
        assert not hasattr(KafkaConsumer.__next__, "__wrapped__")
        assert not hasattr(KafkaConsumer.poll, "__wrapped__")
        assert not hasattr(KafkaProducer.send, "__wrapped__")
    finally:
        LabanKafkaInstrumentor().instrument(tracer_provider=instrumented.provider)


def test_the_senders_baggage_is_current_in_the_handler(
    producer: KafkaProducer, consumer: MakeConsumer, topic: str
) -> None:
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    producer.send(topic=topic, value=b"v").get(10)
    context.detach(token)
    for _ in consumer(topic):
        assert baggage.get_baggage("tenant") == "acme"
        break
    assert baggage.get_baggage("tenant") is None
