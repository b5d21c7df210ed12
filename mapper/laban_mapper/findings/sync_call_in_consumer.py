"""L003: consumers of messages that wait for calls."""

from collections.abc import Iterator

from laban_mapper.findings.calls import Call, handler_calls
from laban_mapper.findings.evidence import percentile, proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.findings.words import in_messages, latency, share
from laban_mapper.model import Severity
from laban_mapper.profiles.steps import Occurrence
from laban_mapper.spans import NS_PER_MS

_Seen = list[tuple[SampledTrace, Occurrence, Call]]


def _find(system: System) -> Iterator[Found]:
    seen: dict[tuple[str, str, str], _Seen] = {}
    handled: dict[tuple[str, str], set[int]] = {}
    for trace in system.traces:
        for visit, call in handler_calls(trace):
            if call.kind != "database" and call.above is None:
                place = (visit.span.topic or "messages", visit.span.service, call.service)
                seen.setdefault(place, []).append((trace, visit, call))
        for step in trace.steps:
            if step.kind == "visit" and step.span.topic is not None:
                handled.setdefault((step.span.topic, step.span.service), set()).add(id(step.span))
    for (topic, service, callee), found in seen.items():
        of = len(handled.get((topic, service), ()))
        yield _found(f"topic {topic} → {service} → {callee}", found, of, system)


def _found(place: str, found: _Seen, of: int, system: System) -> Found:
    visits = {id(visit.span): visit for _, visit, _ in found}
    times = [call.ms for _, _, call in found]
    whole = sum(visit.span.duration for visit in visits.values()) / NS_PER_MS
    part = min(sum(times) / whole, 1.0) if whole else 0.0
    errors = sum(call.failed for _, _, call in found)
    service, callee = found[0][1].span.service, found[0][2].service
    sentence = (
        f"{service} waits for {callee} while it processes {in_messages(len(visits), max(of, len(visits)))}: "
        f"{latency(times, system.thresholds.fewest)}, {share(part)} of the time of these messages"
    )
    if errors:
        sentence += f"; {errors:,} of {len(found):,} calls failed"
    return Found(
        place=place,
        sentence=sentence,
        numbers={
            "messages": len(visits),
            "of": max(of, len(visits)),
            "calls": len(found),
            "errors": errors,
            "p50_ms": percentile(times, 0.5),
            "p95_ms": percentile(times, 0.95),
            "time_share": part,
        },
        traces=proofs(trace for trace, *_ in sorted(found, key=lambda one: not one[2].failed)),
        severity=_severity(errors, len(found), part, percentile(times, 0.95), system),
    )


def _severity(errors: int, calls: int, part: float, p95: float, system: System) -> Severity:
    """A call that is fast and does not fail is a remark; one that decides how fast the group is, is not."""
    if calls < system.thresholds.fewest and not errors:
        return "info"
    slow = part >= system.thresholds.consumer_wait_share and p95 >= system.thresholds.consumer_wait_ms
    return "warning" if slow or errors >= max(2, 0.01 * calls) else "info"


RULE = Rule(
    code="L003",
    name="sync-call-in-consumer",
    severity="info",
    why="The group is as slow as the service that it calls, and stops when that fails: messages wait or are "
    "retried.",
    advice="The publisher does not wait, so nobody needs the answer now. Carry what the consumer has to "
    "know in the event, or keep a copy of it from the owner's events. If the call is the work itself, give "
    "it a timeout, a bounded number of retries and a dead-letter topic.",
    find=_find,
    compares="The calls (not to databases) that a consumer waits for while it processes a message. It is a "
    "warning if they take `consumer_wait_share` of the time and `consumer_wait_ms` at p95, or fail.",
    thresholds=("consumer_wait_share", "consumer_wait_ms", "fewest"),
    example="payment waits for fraud while it processes 30 of 30 messages: p50 80 ms, p95 120 ms, 91 % of "
    "the time of these messages",
)
