"""`laban.processing`, against a real broker."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode

import laban
from laban.messaging import process_span

from ...recording import Recording
from .conftest import MakeConsumer

Filled = Callable[[int], str]


@pytest.fixture
def global_provider(instrumented: Recording, monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.setattr(trace, "get_tracer", instrumented.provider.get_tracer)
    return instrumented


def test_processing_inside_a_loop_uses_the_open_span(
    global_provider: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    for record in consumer(filled(1)):
        current = trace.get_current_span()
        with laban.processing(record):
            assert trace.get_current_span() is current
        assert current.is_recording()
    assert len(global_provider.of_kind(SpanKind.CONSUMER)) == 1


def test_a_handler_in_an_executor_keeps_the_span_open_and_its_error_is_recorded(
    global_provider: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(2))
    started, gone_on = threading.Event(), threading.Event()

    def handle(record: object) -> None:
        with laban.processing(record):
            started.set()
            assert gone_on.wait(10)
            with global_provider.tracer.start_as_current_span("work"):
                raise ValueError("poison")

    with ThreadPoolExecutor(1) as pool:
        handling = pool.submit(handle, next(consuming))
        assert started.wait(10)
        next(consuming)
        gone_on.set()
        with pytest.raises(ValueError, match="poison"):
            handling.result()
    consuming.close()
    first, second = global_provider.of_kind(SpanKind.CONSUMER)
    assert (first.exceptions, second.exceptions) == (["ValueError"], [])
    work = global_provider.one("work")
    assert work.parent == first.id
    assert first.end >= work.end


def test_a_record_without_a_span_gets_one_in_processing(
    global_provider: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    (records,) = consumer(filled(1)).poll(timeout_ms=5_000).values()
    record = records[0]
    with pytest.raises(ValueError, match="poison"), laban.processing(record, group="email"):
        raise ValueError("poison")
    (span,) = global_provider.of_kind(SpanKind.CONSUMER)
    assert span.attributes["messaging.consumer.group.name"] == "email"
    assert span.status is StatusCode.ERROR
    assert span.parent == global_provider.one(f"send {record.topic}").id
    assert process_span.open_spans() == []


def polled(consuming: KafkaConsumer, count: int) -> dict[Any, list[Any]]:
    """The result of the first poll with records; it has all of them."""
    while True:
        answer: dict[Any, list[Any]] = consuming.poll(timeout_ms=500)
        if answer:
            assert sum(map(len, answer.values())) == count
            return answer


def test_a_list_collected_from_polls_starts_no_second_process_span(
    global_provider: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(2))
    for record in [record for records in polled(consuming, 2).values() for record in records]:
        with laban.processing(record), global_provider.tracer.start_as_current_span("work"):
            pass
    consuming.close()
    assert len(global_provider.of_kind(SpanKind.CONSUMER)) == 2
    tree = {span.id: span for span in global_provider.finished}
    for work in (span for span in global_provider.finished if span.name == "work"):
        handle = tree[work.parent or 0]
        assert tree[handle.parent or 0].kind is SpanKind.CONSUMER


def test_once_handlers_start_after_the_loop_their_spans_stay_open(
    global_provider: Recording, producer: KafkaProducer, filled: Filled, consumer: MakeConsumer
) -> None:
    topic = filled(1)
    consuming = consumer(topic)
    first = next(consuming)
    producer.send(topic, value=b"v", key=b"k1", partition=0).get(10)
    producer.send(topic, value=b"v", key=b"k2", partition=0).get(10)
    second = next(consuming)
    with laban.processing(first):
        pass
    next(consuming)
    with pytest.raises(ValueError, match="poison"), laban.processing(second):
        raise ValueError("poison")
    consuming.close()
    spans_of_records = global_provider.of_kind(SpanKind.CONSUMER)
    assert [span.status for span in spans_of_records] == [
        StatusCode.UNSET,
        StatusCode.ERROR,
        StatusCode.UNSET,
    ]
    assert [span.name for span in global_provider.of_kind(SpanKind.INTERNAL)] == [
        "request 0",
        f"handle {topic}",
    ]


def test_a_batch_handled_together_has_one_span_with_a_link_per_record(
    global_provider: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    topic = filled(3)
    consuming = consumer(topic)
    with pytest.raises(ValueError, match="poison"), laban.processing(polled(consuming, 3)):
        raise ValueError("poison")
    (span,) = global_provider.of_kind(SpanKind.CONSUMER)
    assert span.name == f"process {topic}"
    assert span.links == [sent.id for sent in global_provider.of_kind(SpanKind.PRODUCER)]
    assert span.attributes["messaging.batch.message_count"] == 3
    assert span.attributes["messaging.client.id"] == "test-consumer"
    assert (span.parent, span.exceptions) == (None, ["ValueError"])


def test_a_loop_over_a_batch_starts_no_spans_and_one_request_is_one_trace(
    global_provider: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    consuming = consumer(filled(1))
    (records,) = polled(consuming, 1).values()
    with laban.processing(records, group="email"):
        for _ in records:
            with global_provider.tracer.start_as_current_span("work"):
                pass
    (span,) = global_provider.of_kind(SpanKind.CONSUMER)
    assert global_provider.one("work").parent == span.id
    assert span.trace == global_provider.one("request 0").trace


def test_a_list_collected_from_polls_and_handled_together_starts_no_second_process_span(
    global_provider: Recording, filled: Filled, consumer: MakeConsumer
) -> None:
    records = [record for part in polled(consumer(filled(2)), 2).values() for record in part]
    with laban.processing(records):
        pass
    processed = global_provider.of_kind(SpanKind.CONSUMER)
    (batch,) = (span for span in global_provider.finished if span.name.startswith("handle"))
    assert batch.links == [span.id for span in processed]


@pytest.mark.parametrize("nothing", [[], {}, (), "text"])
def test_an_empty_batch_is_handled_without_a_span(global_provider: Recording, nothing: object) -> None:
    with laban.processing(nothing):
        handled = True
    assert handled
    assert global_provider.finished == []


def test_an_object_that_is_not_a_record_is_still_handled() -> None:
    with laban.processing(object()):
        handled = True
    assert handled


def test_a_lock_held_by_another_thread_at_a_fork_is_free_in_the_child(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = threading.Lock()
    monkeypatch.setattr(process_span, "_lock", held)
    with held:
        process_span.forget_all()  # as in the child
        span = process_span.ProcessSpan(trace.INVALID_SPAN, object(), None, Context())
        ending = threading.Thread(target=span.end, daemon=True)
        ending.start()
        ending.join(5)
        assert span.done
