"""L008: calls whose answer is not used before the reply."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from laban_mapper.findings.calls import Call, calls_of, is_read
from laban_mapper.findings.evidence import percentile, proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.findings.words import latency, share
from laban_mapper.names import counted, shortened
from laban_mapper.spans import is_refusal

_ONLY_ACCEPTED: Final = frozenset({202, 204})
"""Statuses of an answer without content."""
_FAILED: Final = 3
_LAST: Final = 0.95


@dataclass(slots=True)
class _Seen:
    """The calls of one place.

    Attributes:
        calls: with their traces.
        last: after how many of them the caller did nothing else that could depend on them.
        empty: how many have an answer without content.
        tolerated: how many failed, and the caller did not.
        passed_on: how many failed, and the caller did too.
    """

    calls: list[tuple[SampledTrace, Call]] = field(default_factory=list[tuple[SampledTrace, Call]])
    last: int = 0
    empty: int = 0
    tolerated: int = 0
    passed_on: int = 0


def _find(system: System) -> Iterator[Found]:
    places: dict[tuple[str, str, str, str], _Seen] = {}
    for trace in system.traces:
        calls = calls_of(trace)
        for call in calls:
            if call.in_reply and call.kind != "database" and not is_read(call.operation):
                caller = call.caller
                place = (caller.span.service, caller.operation, call.service, call.operation)
                _add(places.setdefault(place, _Seen()), trace, call)
    for place, seen in sorted(places.items()):
        reason = _reason(seen)
        if reason is not None:
            yield _found(place, seen, reason, system)


def _add(seen: _Seen, trace: SampledTrace, call: Call) -> None:
    end = trace.causality.end(call.step.span)
    later = [
        one
        for one in trace.steps
        if one.above is call.caller and one is not call.step and trace.causality.start(one.span) >= end
    ]
    seen.calls.append((trace, call))
    seen.last += not later
    spans = [call.step.span] + ([call.callee.span] if call.callee is not None else [])
    seen.empty += any(span.http_status in _ONLY_ACCEPTED for span in spans)
    if call.failed and not is_refusal(call.step.span):
        seen.passed_on += call.caller.failed
        seen.tolerated += not call.caller.failed


def _reason(seen: _Seen) -> str | None:
    """Why the answer is not used, by evidence; None without evidence."""
    of = len(seen.calls)
    if seen.empty and seen.empty >= of - seen.tolerated - seen.passed_on and not seen.passed_on:
        return f"the answer has no content ({seen.empty:,} of {counted(of, 'call')})"
    # An optional answer may be used while there is one; nothing that comes after it can depend on it here.
    if seen.tolerated >= _FAILED and not seen.passed_on and seen.last >= _LAST * of:
        times = f"all {seen.tolerated:,} times that it failed"
        return f"the caller went on without it {times}, and does nothing after it"
    return None


def _found(place: tuple[str, str, str, str], seen: _Seen, reason: str, system: System) -> Found:
    service, operation, callee, called = place
    times = [call.ms for _, call in seen.calls]
    whole = sum(call.caller.span.duration for _, call in seen.calls) / 1e6
    part = min(sum(times) / whole, 1.0) if whole else 0.0
    return Found(
        place=f"{service} → {callee} {shortened(called)}",
        sentence=f"{service} {shortened(operation)} waits for {callee} {shortened(called)}, but {reason}: "
        f"{latency(times, system.thresholds.fewest)}, {share(part)} of its time",
        numbers={
            "calls": len(seen.calls),
            "empty": seen.empty,
            "tolerated": seen.tolerated,
            "last": seen.last,
            "p50_ms": percentile(times, 0.5),
            "p95_ms": percentile(times, 0.95),
            "time_share": part,
        },
        traces=proofs(trace for trace, _ in sorted(seen.calls, key=lambda one: not one[1].failed)),
    )


RULE = Rule(
    code="L008",
    name="async-candidate",
    severity="info",
    why="The reply waits, and can fail, for something that it does not need.",
    advice="The caller does not need the answer now: publish an event (with an outbox, if it must not be "
    "lost), and let the callee consume it.",
    find=_find,
    compares="For calls other than reads that a reply waits for: whether the answer has content (HTTP 202 "
    "and 204 have none), whether the caller fails when the call fails, and whether anything comes after it. "
    "Without such evidence nothing is said.",
    example="order POST /orders waits for email POST /emails, but the answer has no content (50 of 50 "
    "calls): p50 3.0 ms, p95 12 ms, 18 % of its time",
)
