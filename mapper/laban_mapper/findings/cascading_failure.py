"""L010: failures of one service that take others with them."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from laban_mapper.findings.calls import Call, calls_of
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledEntry, SampledTrace, System
from laban_mapper.findings.words import in_traces, share
from laban_mapper.names import counted, listed
from laban_mapper.spans import is_refusal

_FEWEST: Final = 3
"""Traces with the failure, below which it is an accident."""


class _Fall(NamedTuple):
    """A failure that began at a service, in one trace."""

    entry: SampledEntry
    trace: SampledTrace
    services: tuple[str, ...]
    """Those that failed because of it, the nearest first."""


def _find(system: System) -> Iterator[Found]:
    falls: dict[str, list[_Fall]] = {}
    for entry in system.entries:
        for trace in entry.traces:
            for origin, services in _origins(calls_of(trace)).items():
                falls.setdefault(origin, []).append(_Fall(entry, trace, services))
    for origin, found in sorted(falls.items()):
        wide = [fall for fall in found if len(fall.services) >= system.thresholds.cascade_services]
        if len(wide) >= _FEWEST:
            yield _found(origin, wide, system)


def _origins(calls: Sequence[Call]) -> dict[str, tuple[str, ...]]:
    """By the service at which a failure began, the services that failed because of it."""
    broken = [call for call in calls if call.failed and not is_refusal(call.step.span)]
    above = {id(call.above) for call in broken if call.above is not None}
    found: dict[str, tuple[str, ...]] = {}
    for call in broken:
        if id(call) in above:
            continue
        fell: dict[str, None] = {}
        one: Call | None = call
        while one is not None and one.failed and one.caller.failed:
            fell[one.caller.span.service] = None
            one = one.above
        fell.pop(call.service, None)
        if len(fell) > len(found.get(call.service, ())):
            found[call.service] = tuple(fell)
    return found


def _found(origin: str, falls: Sequence[_Fall], system: System) -> Found:
    services = list(dict.fromkeys(service for fall in falls for service in fall.services))
    entries = {fall.entry.name: fall.entry for fall in falls}
    looked_at = sum(len(entry.traces) for entry in entries.values())
    whole = sum(fall.trace.steps[0].failed for fall in falls)
    hit = sum(fall.entry.seen / len(fall.entry.traces) for fall in falls)
    of = sum(entry.seen for entry in system.entries)
    return Found(
        place=origin,
        sentence=f"when {origin} fails, {listed(services)} fail with it ({in_traces(len(falls), looked_at)}; "
        f"the reply failed in {whole:,}): about {share(min(hit / of, 1.0))} of all requests, "
        f"{counted(len(entries), 'entry operation')} of {len(system.entries):,}",
        numbers={
            "services": len(services),
            "entries": len(entries),
            "of_entries": len(system.entries),
            "traces": len(falls),
            "of": looked_at,
            "failed_replies": whole,
            "requests_share": min(hit / of, 1.0),
        },
        traces=proofs(fall.trace for fall in falls),
    )


RULE = Rule(
    code="L010",
    name="cascading-failure",
    severity="warning",
    why="One broken part fails services that are healthy themselves; its blast radius is all of them.",
    advice="Ask which callers need the answer now. Those that do not can publish an event, and are done "
    "when the service is back. The others need a timeout, a circuit breaker, and something to reply without "
    "the answer.",
    find=_find,
    compares="In the sampled traces, which callers failed because a call below them failed: from the "
    "service at which the failure began, up to the reply. It needs `cascade_services` of them in 3 traces. "
    "Refusals (4xx) are no failures.",
    thresholds=("cascade_services",),
    example="when user fails, pricing, inventory and order fail with it (12 of 50 traces; the reply failed "
    "in 12): about 24 % of all requests, 1 entry operation of 3",
)
