"""L001: a reply that waits for a long chain of calls."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from laban_mapper.findings.calls import Call, reply_calls
from laban_mapper.findings.evidence import percentile, proofs
from laban_mapper.findings.facts import Found, Rule, SampledEntry, SampledTrace, System
from laban_mapper.findings.words import chain_text, in_traces, latency, share
from laban_mapper.model import Edge

_OFTEN: Final = 0.1
"""The share of an entry's traces with a deep chain below which it is a remark."""


class _Chain(NamedTuple):
    """A chain of calls.

    Attributes:
        services: the service of the entry, and the called ones.
        seen: the traces that have it, with the first call of each.
        deep: the traces of the entry with this or another chain that is too deep.
    """

    services: tuple[str, ...]
    seen: list[tuple[SampledTrace, Call]]
    deep: int


def _find(system: System) -> Iterator[Found]:
    for entry in system.entries:
        chain = _deepest(entry, system.thresholds.sync_depth)
        if chain is not None:
            yield _found(entry, chain, system)


def _deepest(entry: SampledEntry, usual: int) -> _Chain | None:
    """The deepest chain of an entry, of several the one in most traces; None if none is deeper than usual."""
    seen: dict[tuple[str, ...], list[tuple[SampledTrace, Call]]] = {}
    for trace in entry.traces:
        chains = [call.chain() for call in reply_calls(trace) if call.kind != "database"]
        if chains:
            names, first = max(((_services(trace, one), one[0]) for one in chains), key=_length)
            if len(names) - 1 > usual:
                seen.setdefault(names, []).append((trace, first))
    if not seen:
        return None
    best = max(seen, key=lambda names: (len(names), len(seen[names]), names))
    return _Chain(best, seen[best], sum(map(len, seen.values())))


def _services(trace: SampledTrace, chain: Sequence[Call]) -> tuple[str, ...]:
    """The services of a chain; one that calls itself is there once."""
    names = [trace.root.service, *(call.service for call in chain)]
    return tuple(name for number, name in enumerate(names) if not number or names[number - 1] != name)


def _length(chain: tuple[tuple[str, ...], Call]) -> int:
    return len(chain[0])


def _found(entry: SampledEntry, chain: _Chain, system: System) -> Found:
    depth = len(chain.services) - 1
    first = [call.ms for _, call in chain.seen]
    availability, calls = _availability(chain.services, system.map.edges)
    sentence = (
        f"the reply of {entry.name} waits for {depth} calls below one another, "
        f"{chain_text(chain.services)} ({in_traces(len(chain.seen), len(entry.traces))}): "
        f"{latency(first, system.thresholds.fewest)}"
    )
    numbers = {
        "depth": depth,
        "traces": len(chain.seen),
        "of": len(entry.traces),
        "deep": chain.deep,
        "p50_ms": percentile(first, 0.5),
        "p95_ms": percentile(first, 0.95),
    }
    if availability is not None:
        sentence += f"; all {depth} answered {share(availability)} of the time" if availability < 1 else ""
        numbers |= {"availability": availability, "calls": calls}
    rare = len(entry.traces) >= system.thresholds.fewest and chain.deep < _OFTEN * len(entry.traces)
    return Found(
        place=entry.name,
        sentence=sentence,
        numbers=numbers,
        traces=proofs(trace for trace, _ in chain.seen),
        severity="info" if rare else None,
    )


def _availability(services: Sequence[str], edges: Sequence[Edge]) -> tuple[float | None, int]:
    """The share of calls in which all parts of a chain do well, and the calls of its first part.

    A call that fails because a call below it failed counts only at the one below; how many of a service's
    failed calls go back to one of its callers is estimated by that caller's share of its calls.
    """
    parts: list[tuple[int, int, int]] = []
    for caller, callee in itertools.pairwise(services):
        between = [edge for edge in edges if _is(edge.source, caller) and _is(edge.target, callee)]
        calls = sum(edge.calls for edge in between)
        if not calls:
            return None, 0
        into = sum(edge.calls for edge in edges if _is(edge.target, callee) and edge.kind == "sync")
        parts.append((calls, sum(edge.errors for edge in between), into))
    product = 1.0
    for number, (calls, errors, into) in enumerate(parts):
        below = parts[number + 1][1] * calls / into if number + 1 < len(parts) else 0.0
        product *= 1 - max(errors - below, 0) / calls
    return product, parts[0][0]


def _is(node: str, service: str) -> bool:
    kind, _, name = node.partition(":")
    return kind in {"service", "external"} and (name == service or name.endswith(f"/{service}"))


RULE = Rule(
    code="L001",
    name="deep-sync-chain",
    severity="warning",
    why="The reply takes as long as all calls together, and fails when one service of the chain fails.",
    advice="Ask at each call whether the caller needs the answer now. If not, publish an event instead of "
    "calling. If it does, keep a copy of the data where it is needed (from the owner's events), or call the "
    "owner directly instead of through others.",
    find=_find,
    compares="The longest chain of calls that the reply of an entry operation waits for, with `sync_depth`. "
    "Calls to databases, calls in the background and what follows by a message are no part of it. The time "
    "is that of the first call; the availability is the product of the parts, each without the failures "
    "that it only passed on.",
    thresholds=("sync_depth",),
    example="the reply of order POST /orders waits for 3 calls below one another, order → inventory → "
    "pricing → user (30 of 30 traces): p50 36 ms, p95 36 ms; all 3 answered 90 % of the time",
)
