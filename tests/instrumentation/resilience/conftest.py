"""A library instrumented during a test, and calls that have a client span, as those of an HTTP client."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
from opentelemetry.trace import SpanKind

from laban.resilience.instrumentor import ResilienceInstrumentor

from ..recording import Recording

Instrument = Callable[[type[ResilienceInstrumentor]], None]
Call = Callable[..., str]


class CallFailed(Exception):
    """What a failing call raises."""


@pytest.fixture
def instrument(recording: Recording) -> Generator[Instrument]:
    instrumented: list[ResilienceInstrumentor] = []

    def start(instrumentor: type[ResilienceInstrumentor]) -> None:
        instrumented.append(instrumentor())
        instrumented[-1].instrument(tracer_provider=recording.provider)

    yield start
    for each in instrumented:
        each.uninstrument()


@pytest.fixture
def call(recording: Recording) -> Call:
    """A call with a client span; it raises CallFailed unless `ok`."""

    def make(*, ok: bool = True) -> str:
        with recording.tracer.start_as_current_span("call", kind=SpanKind.CLIENT):
            if not ok:
                raise CallFailed
        return "answer"

    return make


@contextmanager
def caller(recording: Recording) -> Generator[None]:
    """The span `caller`, current during the block."""
    with recording.tracer.start_as_current_span("caller"):
        yield


def calls(recording: Recording, *keys: str) -> list[tuple[object, ...]]:
    """The attributes `laban.KEY` of the calls, in their order."""
    spans = [span for span in recording.finished if span.name == "call"]
    return [tuple(span.attributes.get(f"laban.{key}") for key in keys) for span in spans]
