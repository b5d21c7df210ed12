"""`laban.processing`, the explicit form."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import laban
from laban.kafka import spans

from ..recording import Recording
from .conftest import MakeConsumer

Filled = Callable[[int], str]


@pytest.fixture
def global_provider(instrumented: Recording, monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.setattr(trace, "get_tracer", instrumented.provider.get_tracer)
    return instrumented


def test_a_record_of_the_running_loop_keeps_its_one_span(
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


def test_a_record_that_no_wrapper_followed_gets_its_span(
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
    assert spans.open_spans() == []


def test_what_is_no_record_is_handled_all_the_same() -> None:
    with laban.processing(object()):
        handled = True
    assert handled
