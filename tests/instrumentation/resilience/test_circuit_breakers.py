"""Circuit breakers of four libraries: changes and refusals are events, guarded calls say the state."""

from collections.abc import Callable
from typing import Any

import circuitbreaker
import pybreaker
import pytest
from opentelemetry import trace

from laban.resilience import call_scopes, events
from laban.resilience.aiobreaker import LabanAiobreakerInstrumentor
from laban.resilience.circuitbreaker import LabanCircuitbreakerInstrumentor
from laban.resilience.instrumentor import ResilienceInstrumentor
from laban.resilience.purgatory import LabanPurgatoryInstrumentor
from laban.resilience.pybreaker import LabanPybreakerInstrumentor

from ..recording import Recording
from .breakers import BREAKERS, REFUSED, Breaker
from .conftest import Call, CallFailed, Instrument, caller, calls

INSTRUMENTORS: dict[str, type[ResilienceInstrumentor]] = {
    "aiobreaker": LabanAiobreakerInstrumentor,
    "circuitbreaker": LabanCircuitbreakerInstrumentor,
    "purgatory": LabanPurgatoryInstrumentor,
    "pybreaker": LabanPybreakerInstrumentor,
}
WAYS = [(library, make) for library, ways in BREAKERS.items() for make in ways]
Make = Callable[[pytest.MonkeyPatch], Breaker]


@pytest.fixture(params=WAYS, ids=lambda way: getattr(way[1], "__name__", ""))
def guarding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Breaker]:
    """The library, and one of its breakers; not instrumented yet."""
    library, make = request.param
    return library, make(monkeypatch)


@pytest.fixture
def breaker(guarding: tuple[str, Breaker], instrument: Instrument) -> Breaker:
    library, breaker = guarding
    instrument(INSTRUMENTORS[library])
    return breaker


@pytest.fixture
def library(guarding: tuple[str, Breaker]) -> str:
    return guarding[0]


def open_and_close(breaker: Breaker, call: Call) -> list[object]:
    """Fail twice, be refused twice, fail on trial, be refused, succeed on trial and after it."""

    def fail() -> str:
        return call(ok=False)

    answers = [breaker.run(step) for step in (call, fail, fail, call, call)]
    breaker.expire()
    answers += [breaker.run(fail), breaker.run(call)]
    breaker.expire()
    return [*answers, breaker.run(call), breaker.run(call)]


ANSWERS = ["answer", None, None, REFUSED, REFUSED, None, REFUSED, "answer", "answer"]
CHANGED = "laban.circuit.changed"
REFUSAL = "laban.circuit.refused"


def test_every_change_and_every_refused_call_is_an_event(
    recording: Recording, call: Call, breaker: Breaker, library: str
) -> None:
    with caller(recording):
        assert open_and_close(breaker, call) == ANSWERS
    seen = recording.one("caller").events
    told = [
        (name, event["laban.circuit.state"], event.get("laban.circuit.previous_state"))
        for name, event in seen
    ]
    assert told == [
        (CHANGED, "open", "closed"),
        (REFUSAL, "open", None),
        (REFUSAL, "open", None),
        (CHANGED, "half_open", "open"),
        (CHANGED, "open", "half_open"),
        (REFUSAL, "open", None),
        (CHANGED, "half_open", "open"),
        (CHANGED, "closed", "half_open"),
    ]
    names = {(event["laban.circuit.name"], event["laban.circuit.library"]) for _, event in seen}
    assert names == {("user", library)}


def test_guarded_calls_say_the_state_in_which_they_were_let_through(
    recording: Recording, call: Call, breaker: Breaker, library: str
) -> None:
    with caller(recording):
        open_and_close(breaker, call)
        call()
    states = ["closed", "closed", "closed", "half_open", "half_open", "closed"]
    guarded = [(state, "user", library) for state in states]
    found = calls(recording, "circuit.state", "circuit.name", "circuit.library")
    assert found == [*guarded, (None, None, None)]


def test_the_callers_span_has_the_state_of_its_last_event(
    recording: Recording, call: Call, breaker: Breaker, library: str
) -> None:
    with caller(recording):
        for _ in range(3):
            breaker.run(lambda: call(ok=False))
    attributes = recording.one("caller").attributes
    assert attributes["laban.circuit.state"] == "open"
    assert attributes["laban.circuit.name"] == "user"
    assert attributes["laban.circuit.library"] == library


def test_a_breaker_that_never_opens_leaves_the_callers_span_alone(
    recording: Recording, call: Call, breaker: Breaker
) -> None:
    with caller(recording):
        before = trace.get_current_span()
        breaker.run(call)
        breaker.run(lambda: call(ok=False))
        breaker.run(call)
        assert trace.get_current_span() is before
    span = recording.one("caller")
    assert (span.events, [key for key in span.attributes if key.startswith("laban.")]) == ([], [])


def test_a_failure_of_laban_changes_no_answer(
    call: Call, breaker: Breaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(call_scopes, "attach", fail)
    monkeypatch.setattr(events, "_state", fail)
    assert open_and_close(breaker, call) == ANSWERS


def test_answers_are_the_same_without_laban(guarding: tuple[str, Breaker], call: Call) -> None:
    assert open_and_close(guarding[1], call) == ANSWERS


def test_a_guarded_call_inside_a_guarded_call_says_its_own_breaker(
    recording: Recording, call: Call, breaker: Breaker, instrument: Instrument
) -> None:
    instrument(LabanPybreakerInstrumentor)
    inner: Any = pybreaker.CircuitBreaker(name="inner")

    def guarded() -> str:
        inner.call(call)
        return call()

    with caller(recording):
        assert breaker.run(guarded) == "answer"
    assert calls(recording, "circuit.name") == [("inner",), ("user",)]


def test_a_function_with_a_fallback_stays_the_same_function(instrument: Instrument) -> None:
    def lookup(customer: str) -> str:
        """Look a customer up."""
        return customer

    plain = circuitbreaker.CircuitBreaker(fallback_function=str, name="user").decorate(lookup)
    instrument(LabanCircuitbreakerInstrumentor)
    traced = circuitbreaker.CircuitBreaker(fallback_function=str, name="user").decorate(lookup)
    for attribute in ("__name__", "__qualname__", "__doc__", "__wrapped__", "__module__"):
        assert getattr(traced, attribute) == getattr(plain, attribute)
    assert type(traced) is type(plain)
    assert traced("7") == "7"


def test_a_refused_generator_is_an_event(recording: Recording, instrument: Instrument) -> None:
    instrument(LabanCircuitbreakerInstrumentor)
    breaker = circuitbreaker.CircuitBreaker(1, 3600, name="user")

    def pages(*, ok: bool) -> Any:
        yield 1
        if not ok:
            raise CallFailed

    guarded: Any = breaker.decorate(pages)
    with caller(recording):
        assert list(guarded(ok=True)) == [1]
        with pytest.raises(CallFailed):
            list(guarded(ok=False))
        with pytest.raises(circuitbreaker.CircuitBreakerError):
            list(guarded(ok=True))
    assert [name for name, _ in recording.one("caller").events] == [CHANGED, REFUSAL]


def test_a_breaker_without_a_name_has_none(recording: Recording, call: Call, instrument: Instrument) -> None:
    instrument(LabanPybreakerInstrumentor)
    pybreaker.CircuitBreaker().call(call)
    assert calls(recording, "circuit.name", "circuit.state") == [(None, "closed")]


def test_the_listeners_that_a_program_sees_are_its_own(call: Call, instrument: Instrument) -> None:
    instrument(LabanPybreakerInstrumentor)
    breaker = pybreaker.CircuitBreaker()
    breaker.call(call)
    assert breaker.listeners == ()
