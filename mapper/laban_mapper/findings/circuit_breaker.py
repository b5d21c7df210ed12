"""L012: circuit breakers that were open, and callees that fail for long without one."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from laban.vocabulary import (
    CIRCUIT_OPEN,
    LABAN_CIRCUIT_CHANGED_EVENT,
    LABAN_CIRCUIT_NAME,
    LABAN_CIRCUIT_REFUSED_EVENT,
    LABAN_CIRCUIT_STATE,
)
from laban_collector.store.rows import Span
from laban_mapper.findings.calls import Call, calls_of
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.findings.words import latency
from laban_mapper.names import counted, shortened
from laban_mapper.spans import NS_PER_S, is_refusal

_Breaker = tuple[str, str]
"""The service, and the name of the breaker."""


class _Called(NamedTuple):
    at: int
    trace: SampledTrace
    call: Call


def _find(system: System) -> Iterator[Found]:
    guarded: set[str] = set()
    yield from _open(system, guarded)
    yield from _missing(system, guarded)


def _open(system: System, guarded: set[str]) -> Iterator[Found]:
    """The breakers that were open; adds the services that have breakers to `guarded`."""
    refused: dict[_Breaker, list[SampledTrace]] = {}
    opened: dict[_Breaker, int] = {}
    for trace in system.traces:
        for span in trace.causality.spans:
            if LABAN_CIRCUIT_STATE in span.attributes:
                guarded.add(span.service)
            for event in span.events:
                breaker = (span.service, str(event.attributes.get(LABAN_CIRCUIT_NAME, "")))
                if event.name == LABAN_CIRCUIT_REFUSED_EVENT:
                    guarded.add(span.service)
                    refused.setdefault(breaker, []).append(trace)
                elif event.name == LABAN_CIRCUIT_CHANGED_EVENT:
                    guarded.add(span.service)
                    is_open = event.attributes.get(LABAN_CIRCUIT_STATE) == CIRCUIT_OPEN
                    opened[breaker] = opened.get(breaker, 0) + is_open
    for breaker in sorted({*refused, *(one for one, times in opened.items() if times)}):
        service, name = breaker
        spared = refused.get(breaker, [])
        told = (
            f"the circuit breaker {shortened(name)} of {service}"
            if name
            else f"a circuit breaker of {service}"
        )
        times = f", and opened {counted(opened[breaker], 'time')}" if opened.get(breaker) else ""
        yield Found(
            place=f"{service} breaker {shortened(name)}".rstrip(),
            sentence=f"{told} was open: it spared {counted(len(spared), 'sampled call')}{times}",
            numbers={"refused": len(spared), "opened": opened.get(breaker, 0)},
            traces=proofs(spared),
            advice=_OPEN,
        )


def _missing(system: System, guarded: set[str]) -> Iterator[Found]:
    """The callees that failed for long, while a caller without a breaker went on calling them."""
    edges: dict[str, list[_Called]] = {}
    for trace in system.traces:
        calls = calls_of(trace)
        passed_on = {id(call.above) for call in calls if call.failed}
        for call in calls:
            # What only passes a failure on is not what is down.
            if call.caller.span.service in guarded or call.kind == "database" or id(call) in passed_on:
                continue
            at = trace.causality.start(call.step.span)
            edges.setdefault(call.edge, []).append(_Called(at, trace, call))
    for edge, called in sorted(edges.items()):
        run = _longest_run(sorted(called, key=lambda one: (one.at, one.trace.trace_id)))
        limits = system.thresholds
        if (
            len(run) >= limits.circuit_failures
            and run[-1].at - run[0].at >= limits.circuit_seconds * NS_PER_S
        ):
            caller, callee = run[0].call.caller.span.service, run[0].call.service
            yield Found(
                place=edge,
                sentence=f"{caller} went on calling {callee} from {_clock(run[0].at)} to "
                f"{_clock(run[-1].at)} UTC, "
                f"although all {len(run):,} sampled calls failed, and each was waited for "
                f"({latency([one.call.ms for one in run], limits.fewest)}); no circuit breaker was seen",
                numbers={"calls": len(run), "seconds": (run[-1].at - run[0].at) / NS_PER_S},
                traces=proofs(one.trace for one in run),
            )


def _longest_run(called: Sequence[_Called]) -> list[_Called]:
    """The most calls one after the other that all failed."""
    best = (0, 0)
    begin = 0
    for number, one in enumerate(called):
        if not _broken(one.call.step.span, one.call):
            begin = number + 1
        elif number + 1 - begin > best[1] - best[0]:
            best = (begin, number + 1)
    return list(called[slice(*best)])


def _broken(span: Span, call: Call) -> bool:
    return call.failed and not is_refusal(span)


def _clock(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns / NS_PER_S, UTC):%T}"


_OPEN = (
    "The breaker did its work: see why the callee fails. Ask whether its callers need the answer now: if "
    "not, an event waits in its topic until the callee is back, and nothing is refused."
)

RULE = Rule(
    code="L012",
    name="circuit-breaker",
    severity="warning",
    why="Calls to a service that is down cost the caller its time and threads, and keep the service from "
    "coming back.",
    advice="Put a circuit breaker around the call, with something to reply while it is open. If the caller "
    "does not need the answer now, publish an event instead.",
    find=_find,
    compares="The events of circuit breakers (programs under `laban run`). Without any in the caller: the "
    "longest time in which all sampled calls of one service to another failed, with `circuit_failures` and "
    "`circuit_seconds`.",
    thresholds=("circuit_failures", "circuit_seconds"),
    example="order went on calling pricing from 12:00:00 to 12:07:00 UTC, although all 43 sampled calls "
    "failed, and each was waited for (p50 2.0 s, p95 2.0 s); no circuit breaker was seen",
)
