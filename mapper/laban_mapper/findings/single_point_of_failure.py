"""L007: services and databases without which many entry operations fail."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import networkx as nx

from laban_mapper.findings.calls import Call, is_request, reply_calls
from laban_mapper.findings.evidence import proofs
from laban_mapper.findings.facts import Found, Rule, SampledEntry, SampledTrace, System
from laban_mapper.findings.words import in_traces, share
from laban_mapper.names import listed

_OUTSIDE: Final = ""
"""Where requests and messages come from."""
_FAILED: Final = 3
"""Traces in which it failed, below which nothing is said about what fails with it."""


@dataclass(slots=True)
class _Part:
    """A callee, and the entries that depend on it.

    Attributes:
        needed: the traces of each entry whose reply waited for it.
        broken: traces in which a call to it failed, with whether the reply failed.
        broken_entries: the entries of the failed replies.
    """

    needed: dict[str, int] = field(default_factory=dict[str, int])
    broken: list[tuple[SampledTrace, bool]] = field(default_factory=list[tuple[SampledTrace, bool]])
    broken_entries: list[str] = field(default_factory=list[str])


def _find(system: System) -> Iterator[Found]:
    entries = [entry for entry in system.entries if is_request(entry.traces[0].root)]
    parts: dict[str, _Part] = {}
    for entry in entries:
        for trace in entry.traces:
            for name, calls in _by_service(reply_calls(trace), trace.root.service).items():
                part = parts.setdefault(name, _Part())
                part.needed[entry.name] = part.needed.get(entry.name, 0) + 1
                if any(call.failed for call in calls):
                    fell = trace.steps[0].failed
                    part.broken.append((trace, fell))
                    if fell and entry.name not in part.broken_entries:
                        part.broken_entries.append(entry.name)
    hidden = _dominated(system)
    for name, part in sorted(parts.items()):
        dependent = [entry for entry in entries if part.needed.get(entry.name, 0) >= 0.5 * len(entry.traces)]
        requests = sum(entry.seen for entry in dependent) / max(sum(entry.seen for entry in entries), 1)
        survived = len(part.broken) >= _FAILED and not part.broken_entries
        if len(dependent) >= 2 and requests >= system.thresholds.spof_share and not survived:
            yield _found(name, part, dependent, len(entries), requests, hidden.get(name, []))


def _found(
    name: str, part: _Part, dependent: Sequence[SampledEntry], of: int, requests: float, behind: Sequence[str]
) -> Found:
    fell = [trace for trace, failed in part.broken if failed]
    sentence = (
        f"{len(dependent):,} of {of:,} entry operations wait for {name} "
        f"({listed([one.name for one in dependent])}), "
        f"with {share(requests)} of the requests"
    )
    proven = len(part.broken) >= _FAILED and len(part.broken_entries) >= 2
    if part.broken:
        sentence += f"; when it failed, the reply failed in {in_traces(len(fell), len(part.broken))}"
    if behind:
        sentence += f"; only through it are reached {listed(behind)}"
    return Found(
        place=name,
        sentence=sentence,
        numbers={
            "entries": len(dependent),
            "of": of,
            "requests_share": requests,
            "failed": len(part.broken),
            "failed_together": len(fell),
            "behind": len(behind),
        },
        traces=proofs([*fell, *(trace for entry in dependent for trace in entry.traces[:2])]),
        severity="warning" if proven and len(fell) >= 0.5 * len(part.broken) else "info",
    )


def _by_service(calls: Sequence[Call], entry: str) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for call in calls:
        if call.service != entry:
            found.setdefault(call.service, []).append(call)
    return found


def _dominated(system: System) -> dict[str, list[str]]:
    """By service, the other services that a request reaches only through it: it dominates them."""
    names = {node.id: node.name for node in system.map.nodes}
    begins = {entry.service for entry in system.entries}
    graph: nx.DiGraph[str] = nx.DiGraph([(_OUTSIDE, node) for node, name in names.items() if name in begins])
    for edge in system.map.edges:
        if edge.calls and edge.target.startswith(("service:", "database:", "external:")):
            called = edge.kind == "sync" and edge.source.startswith("service:")
            graph.add_edge(edge.source if called else _OUTSIDE, edge.target)
    if _OUTSIDE not in graph:
        return {}
    found: dict[str, list[str]] = {}
    dominators: Mapping[str, str | None] = nx.immediate_dominators(graph, _OUTSIDE)
    for node, above in dominators.items():
        if above not in {None, _OUTSIDE, node}:
            found.setdefault(names[str(above)], []).append(names[node])
    return found


RULE = Rule(
    code="L007",
    name="single-point-of-failure",
    severity="info",
    why="When it is down or slow, most of what people can do fails at once.",
    advice="Ask which of these entries needs its answer now. The others can work from a copy that its "
    "events keep, or reply before it has answered. For the rest, run several replicas, and decide what to "
    "reply without it.",
    find=_find,
    compares="The share of requests whose entry operation waits for a service or a database in at least "
    "half of its traces, with `spof_share`. It is a warning if replies of several entries failed when it "
    "failed.",
    thresholds=("spof_share",),
    example="3 of 3 entry operations wait for user (order POST /orders, order GET /orders/{id} and web GET "
    "/), with 100 % of the requests; when it failed, the reply failed in 9 of 9 traces",
)
