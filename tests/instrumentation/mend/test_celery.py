"""Celery's tasks, run at once where they are called, so that no broker is needed."""

from collections.abc import Generator
from typing import Any

import pytest
from celery import Celery, signals
from opentelemetry.instrumentation.celery import utils
from opentelemetry.trace import SpanKind, StatusCode

from laban.mend.celery import LabanCeleryInstrumentor

from ..recording import Recording


@pytest.fixture
def traced(recording: Recording) -> Generator[Recording]:
    instrumentor = LabanCeleryInstrumentor()  # type: ignore[no-untyped-call]  # stock has no types
    instrumentor.instrument(tracer_provider=recording.provider)
    yield recording
    instrumentor.uninstrument()


@pytest.fixture
def app() -> Any:
    return Celery("shop", broker="memory://", set_as_current=False)


def test_a_task_is_celerys_and_what_it_raises_is_its_error(app: Any, traced: Recording) -> None:
    @app.task(name="shop.pack")  # type: ignore[untyped-decorator]  # celery has no types
    def pack() -> None:
        raise RuntimeError("no")

    assert str(pack.apply().result) == "no"
    failed = traced.one("run/shop.pack")
    assert failed.kind is SpanKind.CONSUMER
    assert (failed.status, failed.exceptions) == (StatusCode.ERROR, ["RuntimeError"])
    assert failed.attributes["messaging.system"] == "celery"


def test_a_task_is_sent_to_a_queue(app: Any, traced: Recording) -> None:
    app.send_task("shop.pack", queue="orders")
    sent = traced.one("apply_async/shop.pack")
    assert sent.kind is SpanKind.PRODUCER
    told = {sent.attributes["messaging.system"], sent.attributes["messaging.destination"]}
    assert told == {"celery", "orders"}


def test_uninstrument_restores_everything(recording: Recording) -> None:
    before = (utils.set_attributes_from_context, *receivers())
    instrumentor = LabanCeleryInstrumentor()  # type: ignore[no-untyped-call]  # stock has no types
    instrumentor.instrument(tracer_provider=recording.provider)
    instrumentor.uninstrument()
    assert (utils.set_attributes_from_context, *receivers()) == before


def receivers() -> list[int]:
    """How many listen to each of some signals."""
    watched: list[Any] = [signals.task_prerun, signals.before_task_publish, signals.worker_process_shutdown]
    return [len(signal.receivers or ()) for signal in watched]
