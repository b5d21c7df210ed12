"""L002: entry operations whose services are separate programs, and yet one: all of them have to answer.

The score of an entry is from 0 to 1: (services + time) / 2 * (1 - 1 / n).

`services` is the share of the other services of its traces that the reply waits for, `time` the share of its
reply in which it waits for them, n their number. Callees that others call too take it a quarter of the rest
of the way to 1, in proportion to their share: what fails there fails elsewhere too.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from laban_mapper.findings.calls import Call, is_read, is_request, reply_calls, services_of
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledEntry, SampledTrace, System
from laban_mapper.findings.words import in_traces, share
from laban_mapper.names import counted, listed

_SHARED: Final = 0.25
_MOST_EDGES: Final = 40
"""Edges of the system that are tried, those that the most requests wait for."""
_EDGES: Final = 3
"""Edges of the system that are named."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The score of an entry, and what it rests on.

    Attributes:
        entry: that is scored.
        score: from 0 to 1.
        together: the services that the reply waits for, in most traces.
        services: their share of all other services.
        time: the share of the reply in which it waits for them.
        shared: those that others call too.
    """

    entry: SampledEntry
    score: float
    together: Sequence[str]
    services: float
    time: float
    shared: Sequence[str]


def system_score(system: System) -> float | None:
    """The mean score of the entries, by how often they were seen; None without requests."""
    return _mean(_scored(system))


def _find(system: System) -> Iterator[Found]:
    scored = _scored(system)
    limit = system.thresholds.monolith_score
    for one in scored:
        if one.score >= limit:
            yield _of_entry(one)
    score = _mean(scored)
    if score is not None and score >= limit:
        yield _of_system(score, scored, system)


def _scored(system: System) -> list[Scored]:
    """The scores of the entries of requests."""
    shared = _shared(system)
    return [one for entry in system.entries if (one := _score(entry, shared)) is not None]


def _score(entry: SampledEntry, shared: frozenset[str], without: str | None = None) -> Scored | None:
    """The score of an entry; None if it is not a request that another service takes part in.

    Args:
        entry: to score.
        shared: the services that two or more others call.
        without: an edge; the score is what it would be if an event took its place.
    """
    every = [one for one in entry.traces if is_request(one.root)]
    # A request that failed early does not show who else would have had to answer.
    requests = [one for one in every if not one.steps[0].failed] or every
    waited = [_waited_for(trace, without) for trace in requests]
    others = [set(services_of(trace)) - {trace.root.service} for trace in requests]
    if not any(others):
        return None
    seen = Counter(service for calls in waited for service in dict.fromkeys(call.service for call in calls))
    most = [name for name, number in seen.items() if 2 * number >= len(requests)]
    services = fmean(
        len({call.service for call in calls}) / len(all_others | {call.service for call in calls})
        for calls, all_others in zip(waited, others, strict=True)
        if all_others or calls
    )
    time = fmean(_waiting(trace, calls) for trace, calls in zip(requests, waited, strict=True))
    also = [name for name in most if name in shared]
    score = (services + time) / 2 * (1 - 1 / len(most)) if most else 0.0
    score += (1 - score) * _SHARED * len(also) / len(most) if score else 0.0
    return Scored(entry, score, most, services, time, also)


def _waited_for(trace: SampledTrace, without: str | None) -> list[Call]:
    """The calls to traced services that the reply waits for: a provider outside is no part of the system."""
    return [
        call
        for call in reply_calls(trace)
        if call.kind == "service"
        and call.service != trace.root.service
        and not (without and any(one.edge == without for one in call.chain()))
    ]


def _waiting(trace: SampledTrace, calls: Iterable[Call]) -> float:
    """The share of the reply in which the service of the entry waits for others."""
    begin, end = trace.causality.start(trace.root), trace.causality.end(trace.root)
    covered, reached = 0, begin
    firsts = [call.step.span for call in calls if call.above is None]
    for start, stop in sorted((trace.causality.start(one), trace.causality.end(one)) for one in firsts):
        covered += max(min(stop, end) - max(start, reached), 0)
        reached = max(reached, min(stop, end))
    return covered / (end - begin) if end > begin else 0.0


def _shared(system: System) -> frozenset[str]:
    """The services that two or more others call."""
    names = {node.id: node.name for node in system.map.nodes}
    callers: dict[str, set[str]] = {}
    for edge in system.map.edges:
        if edge.kind == "sync" and edge.source.startswith("service:") and edge.source != edge.target:
            callers.setdefault(names.get(edge.target, edge.target), set()).add(edge.source)
    return frozenset(name for name, found in callers.items() if len(found) > 1)


def _mean(scored: Sequence[Scored]) -> float | None:
    total = sum(one.entry.seen for one in scored)
    return sum(one.score * one.entry.seen for one in scored) / total if total else None


def _of_entry(one: Scored) -> Found:
    entry, count = one.entry, len(one.together)
    sentence = (
        f"{entry.name} scores {one.score:.2f} of 1: its reply waits for {counted(count, 'service')}, "
        f"{listed(one.together)}, for {share(one.time)} of its time; {share(one.services)} of the services "
        "that take part have to answer"
    )
    fell, failed = _together(entry)
    if failed:
        sentence += f"; when one of them failed, the reply failed in {in_traces(fell, failed)}"
    if one.shared:
        sentence += f"; others call {listed(one.shared)} too"
    reads = is_read(entry.operation)
    return Found(
        place=entry.name,
        sentence=sentence,
        numbers={
            "score": one.score,
            "services": count,
            "services_share": one.services,
            "time_share": one.time,
            "shared": len(one.shared),
            "failed_together": fell,
            "failed": failed,
            "traces": len(entry.traces),
        },
        traces=proofs(entry.traces),
        severity="info" if reads else None,
        advice=_READ_ADVICE if reads else None,
    )


def _together(entry: SampledEntry) -> tuple[int, int]:
    """In how many traces the reply failed, of those in which a call that it waited for failed."""
    failed = [trace for trace in entry.traces if any(call.failed for call in _waited_for(trace, None))]
    return sum(trace.steps[0].failed for trace in failed), len(failed)


def _of_system(score: float, scored: Sequence[Scored], system: System) -> Found:
    """The score of the system, and the edges whose turn to events would lower it most."""
    after = _after(scored, _shared(system))
    best = sorted(after, key=lambda edge: (after[edge], edge))[:_EDGES]
    told = [f"{edge} (to {after[edge]:.2f})" for edge in best if after[edge] < score]
    worst = [one for one in scored if one.score >= system.thresholds.monolith_score]
    sentence = (
        f"the system scores {score:.2f} of 1 as a distributed monolith: in {len(worst):,} of "
        f"{counted(len(scored), 'entry operation')} that {'needs' if len(scored) == 1 else 'need'} other "
        "services, most of them have to answer before the reply"
    )
    if told:
        sentence += f"; an event instead of a call would lower it most at {listed(told)}"
    reads = all(is_read(one.entry.operation) for one in worst)
    numbers = {"score": score, "entries": len(worst), "of": len(scored)}
    return Found(
        place="system",
        sentence=sentence,
        numbers=numbers | {f"without {edge}": after[edge] for edge in best},
        traces=proofs(trace for one in worst for trace in one.entry.traces[:1]),
        severity="info" if reads else None,
        advice=_READ_ADVICE if reads else None,
    )


def _after(scored: Sequence[Scored], shared: frozenset[str]) -> dict[str, float]:
    """The score of the system if an event took the place of an edge; of those that most requests wait for."""
    waited: Counter[str] = Counter()
    having: dict[str, set[int]] = {}
    for number, one in enumerate(scored):
        for trace in one.entry.traces:
            for edge in {call.edge for call in _waited_for(trace, None)}:
                waited[edge] += one.entry.seen
                having.setdefault(edge, set()).add(number)
    after: dict[str, float] = {}
    for edge in sorted(waited, key=lambda edge: (-waited[edge], edge))[:_MOST_EDGES]:
        changed = [
            (_score(one.entry, shared, edge) or one) if number in having[edge] else one
            for number, one in enumerate(scored)
        ]
        after[edge] = _mean(changed) or 0.0
    return after


_READ_ADVICE: Final = (
    "A reader needs the answer now. Keep a copy of what it reads in one service, filled by the events of the "
    "owners, or answer with the parts that come in time."
)

RULE = Rule(
    code="L002",
    name="distributed-monolith",
    severity="warning",
    why="The services are deployed apart, but all of them have to be up and fast for one reply: the cost of "
    "both worlds.",
    advice="Ask at each call whether the caller needs the answer now. What only has to happen after the "
    "order is accepted (mail, analytics, payment, shipping) can follow from an event; keep calls for what "
    "decides the reply.",
    find=_find,
    compares="The score of each entry operation, and their mean, with `monolith_score`. The score is the "
    "mean of two shares (of the other services: those that the reply waits for; of the reply's time: that "
    "in which it waits for them) times 1 - 1/n for n such services, and higher if others call these too.",
    thresholds=("monolith_score",),
    example="order POST /orders scores 0.79 of 1: its reply waits for 6 services, analytics, email, "
    "payment, inventory, pricing and user, for 90 % of its time; 100 % of the services that take part have "
    "to answer",
)
