"""Celery tasks, run in the caller or in a worker thread, without a broker."""

from collections.abc import Callable, Generator
from typing import Any, cast

import pytest
from celery import Celery, signals
from celery.contrib.testing import worker
from opentelemetry import baggage, context
from opentelemetry.instrumentation.celery import utils
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.trace import SpanKind, StatusCode

from laban.messaging.celery import LabanCeleryInstrumentor

from ..recording import Recording

Trace = Callable[..., Recording]


@pytest.fixture
def trace(recording: Recording) -> Generator[Trace]:
    """Instruments Celery with upstream's options."""
    instrumentor = LabanCeleryInstrumentor()  # type: ignore[no-untyped-call]  # upstream has no types

    def instrument(**options: Any) -> Recording:
        instrumentor.instrument(tracer_provider=recording.provider, **options)
        return recording

    yield instrument
    instrumentor.uninstrument()


@pytest.fixture
def traced(trace: Trace) -> Recording:
    return trace()


@pytest.fixture(scope="module")
def app() -> Generator[Any]:
    """A Celery application with a worker in a thread."""
    made: Any = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
    made.conf.broker_transport_options = {"polling_interval": 0.01}

    @made.task(name="shop.pack")  # type: ignore[untyped-decorator]  # celery has no types
    def pack() -> object:
        return baggage.get_baggage("tenant")

    @made.task(name="shop.fail")  # type: ignore[untyped-decorator]  # celery has no types
    def fail() -> None:
        raise RuntimeError("no")

    @made.task(name="shop.retry", bind=True)  # type: ignore[untyped-decorator]  # celery has no types
    def retry(self: Any) -> None:
        if not self.request.retries:
            raise self.retry(exc=RuntimeError("busy"), countdown=0)

    signals.setup_logging.connect(_leave_logging_alone)
    with cast("Any", worker).start_worker(made, perform_ping_check=False):
        yield made
    signals.setup_logging.disconnect(_leave_logging_alone)


def _leave_logging_alone(**_: object) -> None:
    """A receiver of this signal, which keeps Celery from setting the level of all loggers."""


def test_the_span_of_a_task_names_celery_and_records_its_exception(app: Any, traced: Recording) -> None:
    app.tasks["shop.fail"].apply()
    failed = traced.one("run/shop.fail")
    assert failed.kind is SpanKind.CONSUMER
    assert (failed.status, failed.exceptions) == (StatusCode.ERROR, ["RuntimeError"])
    assert failed.attributes["messaging.system"] == "celery"


def test_the_span_of_a_sent_task_names_its_queue(app: Any, traced: Recording) -> None:
    app.send_task("shop.pack", queue="orders")
    sent = traced.one("apply_async/shop.pack")
    assert sent.kind is SpanKind.PRODUCER
    shown = {sent.attributes["messaging.system"], sent.attributes["messaging.destination"]}
    assert shown == {"celery", "orders"}


def test_a_task_runs_in_a_child_of_the_send_span_with_its_baggage(app: Any, traced: Recording) -> None:
    token = context.attach(baggage.set_baggage("tenant", "t-1"))
    try:
        # By name, as a caller without the task's code sends it.
        answer = app.signature("shop.pack").apply_async(time_limit=9, soft_time_limit=5)
    finally:
        context.detach(token)
    assert answer.get(timeout=30) == "t-1"
    traced.wait_for(2)
    sent, run = traced.one("apply_async/shop.pack"), traced.one("run/shop.pack")
    assert (run.trace, run.parent) == (sent.trace, sent.id)
    assert (run.status, run.exceptions) == (StatusCode.UNSET, [])
    assert run.attributes["messaging.message.id"] == sent.attributes["messaging.message.id"]
    assert run.attributes["celery.timelimit"] == (9, 5)


def test_with_span_links_a_worker_only_links_to_the_sender(app: Any, trace: Trace) -> None:
    traced = trace(use_span_links=True)
    app.tasks["shop.pack"].delay()
    traced.wait_for(2)
    sent, run = traced.one("apply_async/shop.pack"), traced.one("run/shop.pack")
    assert (run.parent, run.links) == (None, [sent.id])
    assert run.trace != sent.trace


def test_each_attempt_has_a_span_and_the_first_has_the_reason_for_the_retry(
    app: Any, traced: Recording
) -> None:
    app.tasks["shop.retry"].delay()
    traced.wait_for(4)
    first, second = (span for span in traced.finished if span.name == "run/shop.retry")
    assert "busy" in first.attributes["celery.retry.reason"]
    assert (first.trace, second.attributes["celery.retries"]) == (second.trace, 1)


def test_the_duration_of_a_task_is_recorded_as_a_metric_and_forgotten(app: Any, trace: Trace) -> None:
    reader = InMemoryMetricReader()
    trace(meter_provider=MeterProvider([reader]))
    done = app.tasks["shop.fail"].apply()
    measured = reader.get_metrics_data()
    assert measured is not None
    [metric] = measured.resource_metrics[0].scope_metrics[0].metrics
    assert metric.name == "flower.task.runtime.seconds"
    [point] = (point for point in metric.data.data_points if (point.attributes or {})["task"] == "shop.fail")
    assert isinstance(point, HistogramDataPoint)
    assert point.count == 1
    instrumentor: Any = LabanCeleryInstrumentor()  # type: ignore[no-untyped-call]  # upstream has no types
    assert done.id not in instrumentor.task_id_to_start_time


def test_uninstrument_restores_everything(recording: Recording) -> None:
    before = (utils.set_attributes_from_context, *receivers())
    instrumentor = LabanCeleryInstrumentor()  # type: ignore[no-untyped-call]  # upstream has no types
    instrumentor.instrument(tracer_provider=recording.provider)
    instrumentor.uninstrument()
    assert (utils.set_attributes_from_context, *receivers()) == before


def receivers() -> list[int]:
    """The number of receivers of each signal."""
    watched: list[Any] = [signals.task_prerun, signals.before_task_publish, signals.worker_process_shutdown]
    return [len(signal.receivers or ()) for signal in watched]
