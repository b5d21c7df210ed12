"""L004: the same call many times for one request, as in a loop over rows (N+1)."""

from collections.abc import Iterator

from laban_mapper.findings.calls import Call, calls_of
from laban_mapper.findings.evidence import percentile, proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.findings.words import latency
from laban_mapper.names import shortened
from laban_mapper.spans import NS_PER_MS

_Repeated = tuple[SampledTrace, list[Call]]


def _find(system: System) -> Iterator[Found]:
    visits: dict[tuple[str, str, str, str], list[int]] = {}
    seen: dict[tuple[str, str, str, str], list[_Repeated]] = {}
    for trace in system.traces:
        same: dict[tuple[int, str, str], list[Call]] = {}
        for call in calls_of(trace):
            if call.awaited and not call.failed:  # failed ones are retries: see L011
                same.setdefault((id(call.caller.span), call.service, call.operation), []).append(call)
        for calls in same.values():
            first = calls[0]
            place = (first.caller.span.service, first.caller.operation, first.service, first.operation)
            visits.setdefault(place, []).append(len(calls))
            if len(calls) >= system.thresholds.chatty_calls:
                seen.setdefault(place, []).append((trace, calls))
    for place, found in seen.items():
        # A loop that is long once in a while is still a loop, but one large order is not usual.
        if len(found) >= max(1, system.thresholds.chatty_share * len(visits[place])):
            yield _found(place, found, len(visits[place]), system)


def _found(place: tuple[str, str, str, str], found: list[_Repeated], of: int, system: System) -> Found:
    service, operation, callee, called = place
    counts = [float(len(calls)) for _, calls in found]
    times = [_covered(trace, calls) for trace, calls in found]
    least, most = min(counts), max(counts)
    number = f"{least:.0f}" if least == most else f"{least:.0f} to {most:.0f}"
    how = ", one after the other" if all(_in_a_row(trace, calls) for trace, calls in found) else ""
    return Found(
        place=f"{service} → {callee} {shortened(called)}",
        sentence=f"{service} {shortened(operation)} calls {callee} {shortened(called)} {number} times for "
        f"one request{how} ({len(found):,} of {of:,} requests with this call): "
        f"{latency(times, system.thresholds.fewest)} of each",
        numbers={
            "calls_p50": percentile(counts, 0.5),
            "calls_max": most,
            "requests": len(found),
            "of": of,
            "p50_ms": percentile(times, 0.5),
            "p95_ms": percentile(times, 0.95),
        },
        traces=proofs(trace for trace, _ in sorted(found, key=lambda one: -len(one[1]))),
    )


def _covered(trace: SampledTrace, calls: list[Call]) -> float:
    """The time in which at least one of the calls ran, ms."""
    covered = reached = 0
    for call in calls:
        start, end = trace.causality.start(call.step.span), trace.causality.end(call.step.span)
        covered += max(end - max(start, reached), 0)
        reached = max(reached, end)
    return covered / NS_PER_MS


def _in_a_row(trace: SampledTrace, calls: list[Call]) -> bool:
    ends = [trace.causality.end(call.step.span) for call in calls]
    starts = [trace.causality.start(call.step.span) for call in calls]
    return all(start >= end for end, start in zip(ends, starts[1:], strict=False))


RULE = Rule(
    code="L004",
    name="chatty-calls",
    severity="warning",
    why="Each call costs a round trip, and their number grows with the data: what is fast with 3 rows is "
    "slow with 300.",
    advice="Ask for all of them in one call (a batch operation, a join, `IN (…)`), or ask whether the "
    "caller needs the answers now: an event that carries the data needs no question.",
    find=_find,
    compares="How often one request of a service makes the same successful call, with `chatty_calls`, in at "
    "least `chatty_share` of the requests that make this call.",
    thresholds=("chatty_calls", "chatty_share"),
    example="cart GET /cart calls pricing GET /price/{} 12 to 40 times for one request, one after the other "
    "(30 of 30 requests with this call): p50 60 ms, p95 200 ms of each",
)
