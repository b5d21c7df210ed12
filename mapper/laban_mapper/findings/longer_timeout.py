"""L006: callees that wait longer for their own callees than their callers wait for them."""

from collections.abc import Iterator
from typing import NamedTuple

from laban_mapper.findings.calls import Call, calls_of
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledTrace, System
from laban_mapper.findings.timeouts import timeout_of
from laban_mapper.findings.words import ms
from laban_mapper.names import counted


class _Pair(NamedTuple):
    trace: SampledTrace
    outer: Call
    inner: Call
    waits: float
    waited_for: float


def _find(system: System) -> Iterator[Found]:
    found: dict[tuple[str, str], list[_Pair]] = {}
    seen: dict[tuple[str, str], int] = {}
    for trace in system.traces:
        for call in calls_of(trace):
            outer = call.above
            if outer is None:
                continue
            limit, own = timeout_of(outer), timeout_of(call)
            # A limit on each wait for bytes does not say when the caller gives up.
            if limit is None or limit.ms is None or not limit.whole or own is None or own.ms is None:
                continue
            place = (outer.edge, call.edge)
            seen[place] = seen.get(place, 0) + 1
            if own.ms > limit.ms:
                found.setdefault(place, []).append(_Pair(trace, outer, call, own.ms, limit.ms))
    for place, pairs in sorted(found.items()):
        yield _found(pairs, seen[place])


def _found(pairs: list[_Pair], of: int) -> Found:
    pair = max(pairs, key=lambda one: one.waits - one.waited_for)
    caller, callee, last = pair.outer.caller.span.service, pair.outer.service, pair.inner.service
    late = sum(one.outer.failed and one.inner.ms > one.waited_for for one in pairs)
    sentence = (
        f"{callee} waits up to {ms(pair.waits)} for {last}, but {caller} waits only {ms(pair.waited_for)} "
        f"for {callee} ({counted(len(pairs), 'sampled call')} of {of:,})"
    )
    if late:
        sentence += f"; in {late:,} of them {callee} went on after {caller} had given up"
    return Found(
        place=f"{caller} → {callee} → {last}",
        sentence=sentence,
        numbers={
            "timeout_ms": pair.waits,
            "callers_timeout_ms": pair.waited_for,
            "calls": len(pairs),
            "of": of,
            "given_up": late,
        },
        traces=proofs(one.trace for one in sorted(pairs, key=lambda one: not one.outer.failed)),
    )


RULE = Rule(
    code="L006",
    name="timeout-longer-than-callers",
    severity="warning",
    why="When the callee is slow, the caller has given up (and may have retried) while the work for it goes "
    "on: load without use, just when there is too much.",
    advice="Let timeouts become shorter from caller to callee, or pass the deadline on (gRPC does). Where "
    "nobody needs the answer now, publish an event: then nobody waits.",
    find=_find,
    compares="The timeout of a call with that of the call that led to it, where both spans tell theirs.",
    example="pricing waits up to 5.0 s for user, but order waits only 2.0 s for pricing (30 sampled calls "
    "of 30)",
)
