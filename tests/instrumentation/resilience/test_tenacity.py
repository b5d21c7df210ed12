"""tenacity and stamina: every retry has an event, and the calls of a repeated attempt say its number."""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stamina
import tenacity
from opentelemetry import trace
from opentelemetry.trace import SpanKind

from laban.resilience import call_scopes, events
from laban.resilience.tenacity import LabanTenacityInstrumentor

from ..recording import Recording
from .conftest import Call, CallFailed, Instrument, caller, calls


@pytest.fixture(autouse=True)
def tenacity_instrumented(instrument: Instrument) -> None:
    instrument(LabanTenacityInstrumentor)


@pytest.fixture(autouse=True)
def stamina_without_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3):
        yield


Policy = dict[str, Any]
POLICY: Policy = {"stop": tenacity.stop_after_attempt(3), "wait": tenacity.wait_fixed(0.002)}


def decorated(attempt: Callable[[], str]) -> str:
    answer: str = tenacity.retry(**POLICY)(attempt)()
    return answer


def called(attempt: Callable[[], str]) -> str:
    return tenacity.Retrying(**POLICY)(attempt)


def looped(attempt: Callable[[], str]) -> str:
    for each in tenacity.Retrying(**POLICY):
        with each:
            return attempt()
    return ""


def decorated_async(attempt: Callable[[], str]) -> str:
    async def run() -> str:
        await asyncio.sleep(0)
        return attempt()

    answer: str = asyncio.run(tenacity.retry(**POLICY)(run)())
    return answer


def looped_async(attempt: Callable[[], str]) -> str:
    async def run() -> str:
        async for each in tenacity.AsyncRetrying(**POLICY):
            with each:
                return attempt()
        return ""

    return asyncio.run(run())


def by_stamina(attempt: Callable[[], str]) -> str:
    return stamina.retry(on=CallFailed)(attempt)()


def by_stamina_async(attempt: Callable[[], str]) -> str:
    async def run() -> str:
        async for each in stamina.retry_context(on=CallFailed):
            with each:
                return attempt()
        return ""

    return asyncio.run(run())


WAYS = [decorated, called, looped, decorated_async, looped_async, by_stamina, by_stamina_async]
Way = Callable[[Callable[[], str]], str]


def failing_first(call: Call, failures: int) -> Callable[[], str]:
    left = [False] * failures

    def attempt() -> str:
        return call(ok=left.pop() if left else True)

    return attempt


@pytest.mark.parametrize("way", WAYS)
def test_each_retry_has_an_event_and_its_call_the_number(recording: Recording, call: Call, way: Way) -> None:
    library = "stamina" if "stamina" in way.__name__ else "tenacity"
    with caller(recording):
        assert way(failing_first(call, 2)) == "answer"
        call()
    assert calls(recording, "retry.attempt", "retry.library") == [
        (None, None),
        (2, library),
        (3, library),
        (None, None),
    ]
    expected = {
        "laban.retry.library": library,
        "laban.retry.wait_ms": 0 if library == "stamina" else 2,
        "error.type": "CallFailed",
    }
    assert recording.one("caller").events == [
        ("laban.retry", expected | {"laban.retry.attempt": 1}),
        ("laban.retry", expected | {"laban.retry.attempt": 2}),
    ]


@pytest.mark.parametrize("way", WAYS)
def test_the_last_attempt_allowed_is_told_and_its_error_stays(
    recording: Recording, call: Call, way: Way
) -> None:
    with caller(recording), pytest.raises((CallFailed, tenacity.RetryError)):
        way(lambda: call(ok=False))
    names = [(name, event["laban.retry.attempt"]) for name, event in recording.one("caller").events]
    assert names == [("laban.retry", 1), ("laban.retry", 2), ("laban.retry.exhausted", 3)]


def test_an_answer_at_once_leaves_no_trace(recording: Recording, call: Call) -> None:
    with caller(recording):
        decorated(call)
    assert calls(recording, "retry.attempt") == [(None,)]
    assert recording.one("caller").events == []


def test_an_error_that_is_not_repeated_is_no_exhaustion(recording: Recording, call: Call) -> None:
    retrying = tenacity.Retrying(retry=tenacity.retry_if_exception_type(OSError), **POLICY)
    with caller(recording), pytest.raises(CallFailed):
        retrying(lambda: call(ok=False))
    assert recording.one("caller").events == []


def test_a_result_that_is_not_good_enough_has_no_error_type(recording: Recording) -> None:
    results = ["good", "bad"]
    retrying = tenacity.Retrying(retry=tenacity.retry_if_result(lambda result: result == "bad"))
    with caller(recording):
        assert retrying(results.pop) == "good"
    [(name, attributes)] = recording.one("caller").events
    assert name == "laban.retry"
    assert "error.type" not in attributes


def test_a_fallback_after_the_last_attempt_is_kept(recording: Recording, call: Call) -> None:
    retrying = tenacity.Retrying(retry_error_callback=lambda _state: "fallback", **POLICY)
    with caller(recording):
        assert retrying(lambda: call(ok=False)) == "fallback"
    assert [name for name, _ in recording.one("caller").events][-1] == "laban.retry.exhausted"


def test_nested_retries_say_the_attempt_of_the_innermost(recording: Recording, call: Call) -> None:
    outer, inner = failing_first(call, 1), failing_first(call, 1)

    def attempt() -> str:
        outer()
        decorated(inner)
        return call()

    with caller(recording):
        decorated(attempt)
    # outer 1 fails; outer 2: its own call, inner 1 fails, inner 2, and its own again
    assert calls(recording, "retry.attempt") == [(None,), (2,), (2,), (2,), (2,)]
    assert len(recording.one("caller").events) == 2


def test_what_an_attempt_starts_and_leaves_behind_is_not_part_of_it(recording: Recording, call: Call) -> None:
    left: list[contextvars.Context] = []
    inner = failing_first(call, 1)

    def attempt() -> str:
        left.append(contextvars.copy_context())
        return inner()

    with caller(recording):
        decorated(attempt)
        left[-1].run(call)
    assert calls(recording, "retry.attempt") == [(None,), (2,), (None,)]


def test_calls_in_threads_of_an_attempt_are_part_of_it(recording: Recording, call: Call) -> None:
    failing = failing_first(call, 1)

    async def run() -> str:
        return await asyncio.to_thread(failing)

    with caller(recording):
        assert asyncio.run(tenacity.retry(**POLICY)(run)()) == "answer"
    assert calls(recording, "retry.attempt") == [(None,), (2,)]


def test_the_span_that_was_current_is_current_again(recording: Recording, call: Call) -> None:
    with caller(recording):
        before = trace.get_current_span()
        for way in WAYS:
            way(failing_first(call, 1))
            assert trace.get_current_span() is before
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_spans_of_other_kinds_are_left_alone(recording: Recording) -> None:
    failures = [CallFailed()]

    def attempt() -> str:
        for kind in SpanKind:
            recording.tracer.start_span(kind.name, kind=kind).end()
        if failures:
            raise failures.pop()
        return "answer"

    with caller(recording):
        decorated(attempt)
    marked = {span.name for span in recording.finished if "laban.retry.attempt" in span.attributes}
    assert marked == {"CLIENT", "PRODUCER"}


@pytest.mark.parametrize("way", WAYS)
def test_a_failure_of_laban_changes_no_answer(call: Call, way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(call_scopes, "attach", fail)
    monkeypatch.setattr(events, "_of_attempt", fail)
    assert way(failing_first(call, 2)) == "answer"


def test_attempts_without_a_current_span_are_still_numbered(recording: Recording, call: Call) -> None:
    decorated(failing_first(call, 1))
    assert calls(recording, "retry.attempt") == [(None,), (2,)]
