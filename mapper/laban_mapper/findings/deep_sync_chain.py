"""L001: a reply that waits for a long chain of calls."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from laban_mapper.findings.calls import Call, reply_calls
from laban_mapper.findings.evidence import percentile, proofs
from laban_mapper.findings.facts import Found, Rule, SampledEntry, SampledTrace, System
from laban_mapper.findings.words import chain_text, in_traces, latency, share
from laban_mapper.model import Edge


class _Chain(NamedTuple):
    """A chain of calls, and the traces that have it, with the first call of each."""

    services: tuple[str, ...]
    seen: list[tuple[SampledTrace, Call]]


def _find(system: System) -> Iterator[Found]:
    for entry in system.entries:
        chain = _deepest(entry)
        if chain is not None and len(chain.services) - 1 > system.thresholds.sync_depth:
            yield _found(entry, chain, system)


def _deepest(entry: SampledEntry) -> _Chain | None:
    """The deepest chain of an entry; of several, the one in most traces."""
    seen: dict[tuple[str, ...], list[tuple[SampledTrace, Call]]] = {}
    for trace in entry.traces:
        chains = [call.chain() for call in reply_calls(trace) if call.kind != "database"]
        if chains:
            deepest = max(chains, key=len)
            names = (trace.root.service, *(call.service for call in deepest))
            seen.setdefault(names, []).append((trace, deepest[0]))
    if not seen:
        return None
    best = max(seen, key=lambda names: (len(names), len(seen[names]), names))
    return _Chain(best, seen[best])


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
        "p50_ms": percentile(first, 0.5),
        "p95_ms": percentile(first, 0.95),
    }
    if availability is not None:
        sentence += f"; all {depth} answered {share(availability)} of the time" if availability < 1 else ""
        numbers |= {"availability": availability, "calls": calls}
    return Found(entry.name, sentence, numbers, proofs(trace for trace, _ in chain.seen))


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
)
