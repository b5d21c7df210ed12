"""What is different between the maps of two time ranges: new, gone, and slower."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.map.health import FEWEST
from laban_dashboard.presentation.map.labels import edge_id, edge_label, node_label
from laban_mapper.model import Edge, ServiceMap

ChangeKind = Literal["new", "gone", "slower"]

_SLOWER: Final = 2.0
"""An edge is slower if its p95 has at least doubled …"""
_SLOWER_BY_MS: Final = 20.0
"""… and grown by this."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference.

    Attributes:
        element: the ID of the node or edge on the page.
        kind: what became of it.
        note: the figures of an edge that became slower: `40 ms → 90 ms`.
        sentence: all of this for people, without a full stop.
    """

    element: str
    kind: ChangeKind
    note: str
    sentence: str


def changes(before: ServiceMap, after: ServiceMap) -> list[Change]:
    """Return the differences: what is new first, then what is gone, then what became slower."""
    return [
        *_new_nodes(before, after),
        *_new_edges(before, after),
        *_gone(before, after),
        *_slower(before, after),
    ]


def with_gone(after: ServiceMap, before: ServiceMap, found: Sequence[Change]) -> ServiceMap:
    """Return the map together with the edges that are gone, without calls, and their ends."""
    gone = {change.element for change in found if change.kind == "gone"}
    edges = [
        edge.model_copy(update={"calls": 0, "errors": 0, "p50_ms": None, "p95_ms": None, "p99_ms": None})
        for edge in before.edges
        if edge_id(edge) in gone
    ]
    known = {node.id for node in after.nodes}
    ends = {end for edge in edges for end in (edge.source, edge.target)} - known
    nodes = [node for node in before.nodes if node.id in ends]
    return after.model_copy(update={"nodes": [*after.nodes, *nodes], "edges": [*after.edges, *edges]})


def _pairs(found: ServiceMap) -> dict[tuple[str, str], Edge]:
    return {(edge.source, edge.target): edge for edge in found.edges}


def _new_nodes(before: ServiceMap, after: ServiceMap) -> Iterator[Change]:
    known = {node.id for node in before.nodes}
    for node in after.nodes:
        if node.id not in known and node.kind in ("service", "topic", "group", "database"):
            yield Change(node.id, "new", "", f"new: {node_label(node)}")


def _new_edges(before: ServiceMap, after: ServiceMap) -> Iterator[Change]:
    known, nodes = _pairs(before), {node.id for node in before.nodes}
    for pair, edge in _pairs(after).items():
        if pair not in known and nodes.issuperset(pair):
            yield Change(edge_id(edge), "new", "", f"new: {edge_label(edge, after.nodes)}")


def _gone(before: ServiceMap, after: ServiceMap) -> Iterator[Change]:
    """Edges without a call now, if at their former rate there would be several."""
    known = _pairs(after)
    share = _length(after) / max(_length(before), 1.0)
    for pair, edge in _pairs(before).items():
        if pair not in known and edge.calls * share >= FEWEST:
            yield Change(edge_id(edge), "gone", "", f"no calls any more: {edge_label(edge, before.nodes)}")


def _slower(before: ServiceMap, after: ServiceMap) -> Iterator[Change]:
    known: Mapping[tuple[str, str], Edge] = _pairs(before)
    for pair, edge in _pairs(after).items():
        then, now = known[pair].p95_ms if pair in known else None, edge.p95_ms
        if then is None or now is None or min(edge.calls, known[pair].calls) < FEWEST:
            continue
        if now >= _SLOWER * then and now - then >= _SLOWER_BY_MS:
            note = f"{formatting.duration(then)} → {formatting.duration(now)}"
            sentence = f"slower: {edge_label(edge, after.nodes)}, p95 {note}"
            yield Change(edge_id(edge), "slower", note, sentence)


def _length(found: ServiceMap) -> float:
    return (found.until - found.since).total_seconds()
