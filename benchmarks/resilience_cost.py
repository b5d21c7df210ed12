"""Measures what tracing retries and circuit breakers costs: processor time of a call, without and with laban.

The guarded function does nothing, so a call costs what the library and laban cost. In each round, laban's
instrumentors are off and then on in the same process. The figures are the medians of the rounds.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

import aiobreaker
import circuitbreaker
import purgatory
import pybreaker
import tenacity
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from benchmarks.workload.report import INSTRUMENTATION_COST, publish, table, traced_with
from laban.resilience.aiobreaker import LabanAiobreakerInstrumentor
from laban.resilience.circuitbreaker import LabanCircuitbreakerInstrumentor
from laban.resilience.instrumentor import ResilienceInstrumentor
from laban.resilience.purgatory import LabanPurgatoryInstrumentor
from laban.resilience.pybreaker import LabanPybreakerInstrumentor
from laban.resilience.tenacity import LabanTenacityInstrumentor

_INSTRUMENTORS: Final[list[type[ResilienceInstrumentor]]] = [
    LabanAiobreakerInstrumentor,
    LabanCircuitbreakerInstrumentor,
    LabanPurgatoryInstrumentor,
    LabanPybreakerInstrumentor,
    LabanTenacityInstrumentor,
]
_EVENTS: Final = 100
"""Calls in one span of those that add events; a span keeps 128."""

Call = Callable[[], Any]


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=5000, help="of each kind in each round")
    parser.add_argument(
        "--publish", action="store_true", help="write the table into docs/instrumentation-cost.md"
    )
    options = parser.parse_args()
    trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
    results: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in calls()}
    instrumentors = [make() for make in _INSTRUMENTORS]
    for number in range(1, options.rounds + 1):
        print(f"round {number} of {options.rounds}", file=sys.stderr)
        for side in (0, 1):
            for name, call in calls().items():
                results[name][side].append(measure(call, options.calls))
            for each in instrumentors:
                each.uninstrument() if side else each.instrument()
    text = report(results)
    print(text)
    if options.publish:
        publish("resilience_cost", f"{traced_with()}\n\n{text}", INSTRUMENTATION_COST)


def calls() -> dict[str, Call]:
    """The calls to measure, by name; those of coroutine functions return a coroutine."""
    opened = circuitbreaker.CircuitBreaker(1, 3600, name="opened")
    guarded: Any = opened.decorate(_fail)
    with suppress(OSError):
        guarded()
    of_aiobreaker: Any = aiobreaker.CircuitBreaker(name="user")
    of_circuitbreaker: Any = circuitbreaker.CircuitBreaker(name="user")
    return {
        "tenacity, no retry": tenacity.retry(stop=tenacity.stop_after_attempt(3))(_answer),
        "tenacity, one retry": _retried(),
        "circuitbreaker": of_circuitbreaker.decorate(_answer),
        "circuitbreaker, refused": _refused(guarded),
        "purgatory": purgatory.SyncCircuitBreakerFactory()("user")(_answer),
        "purgatory, asyncio": purgatory.AsyncCircuitBreakerFactory()("user")(_answer_async),
        "pybreaker": pybreaker.CircuitBreaker(name="user")(_answer),
        "aiobreaker": of_aiobreaker(_answer_async),
    }


def measure(call: Call, count: int) -> float:
    """Microseconds of processor time per call."""
    tracer = trace.get_tracer("benchmark")
    used = 0.0
    for _ in range(count // _EVENTS):
        with tracer.start_as_current_span("caller"):
            before = time.process_time()
            result = call()
            if asyncio.iscoroutine(result):
                result.close()
                before = time.process_time()
                asyncio.run(_repeat(call, _EVENTS))
            else:
                for _ in range(_EVENTS - 1):
                    call()
            used += time.process_time() - before
    return used / (count // _EVENTS * _EVENTS) * 1e6


def report(results: dict[str, tuple[list[float], list[float]]]) -> str:
    """Return a table of the medians."""
    rows: list[list[str]] = []
    for name, sides in results.items():
        without, traced = map(statistics.median, sides)
        rows.append([name, f"{without:.1f}", f"{traced:.1f}", f"{traced - without:.1f}"])
    return table(["CPU µs per call", "without laban", "with laban", "difference"], rows)


async def _repeat(call: Callable[[], Awaitable[object]], count: int) -> None:
    for _ in range(count):
        await call()


def _answer() -> None: ...


async def _answer_async() -> None: ...


def _fail() -> None:
    raise OSError


def _retried() -> Call:
    failures = [False]

    def flaky() -> None:
        failures[0] = not failures[0]
        if failures[0]:
            raise OSError

    return tenacity.retry(stop=tenacity.stop_after_attempt(3))(flaky)


def _refused(guarded: Call) -> Call:
    def call() -> None:
        with suppress(circuitbreaker.CircuitBreakerError):
            guarded()

    return call


if __name__ == "__main__":
    main()
