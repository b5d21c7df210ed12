"""Chooses the part of a large service map that a picture can show, and says what it leaves out."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from laban_collector.store.rows import OTHERS
from laban_mapper.diagrams.edge_sums import summed
from laban_mapper.model import Edge, Node, ServiceMap

TOP: Final = 40
"""Nodes of a picture of a map that is too large for one."""
_MOST_NODES: Final = 100
_MOST_EDGES: Final = 150
"""A map with more nodes or edges is too large: Graphviz takes minutes, and nobody can read the picture."""
_EDGES_PER_NODE: Final = 2
_ALWAYS: Final = ("entry", "unseen", "other")
"""The kinds of nodes of which a map has one or few."""


class Selection(NamedTuple):
    """A part of a service map.

    Attributes:
        shown: the part.
        note: what it leaves out, in one sentence; None if it is the whole map.
    """

    shown: ServiceMap
    note: str | None


def is_large(found: ServiceMap) -> bool:
    """Whether a picture of this map takes long, and shows nothing."""
    return len(found.nodes) > _MOST_NODES or len(found.edges) > _MOST_EDGES


def busiest(found: ServiceMap, top: int = TOP) -> Selection:
    """The `top` nodes with the most calls, and the busiest edges between them.

    All other nodes are one node for each kind. Consumer groups do not count: they are drawn as labels.
    """
    kept = _busiest_nodes(found, top)
    merged = _merged(found, kept)
    between = [edge for edge in merged if edge.source in kept and edge.target in kept]
    beside = [edge for edge in merged if edge.source not in kept or edge.target not in kept]
    edges = _busiest_edges(between, _EDGES_PER_NODE * top) + _busiest_edges(beside, top)
    ends = {end for edge in edges for end in (edge.source, edge.target)}
    nodes = [node for node in found.nodes if node.id in kept and node.id in ends]
    left_out = Counter(node.kind for node in found.nodes if node.id not in kept)
    nodes += [
        _others(kind, number)
        for kind, number in sorted(left_out.items())
        if _id_of_others(kind) in ends - kept
    ]
    if len(nodes) >= len(found.nodes) and len(edges) >= len(found.edges):
        return Selection(found, None)
    shown = found.model_copy(update={"nodes": nodes, "edges": sorted(edges, key=_order)})
    return Selection(shown, _note(found, kept & ends, edges))


def _busiest_nodes(found: ServiceMap, top: int) -> set[str]:
    calls: Counter[str] = Counter()
    for edge in found.edges:
        calls[edge.source] += edge.calls
        calls[edge.target] += edge.calls
    ranked = sorted(found.nodes, key=lambda node: (-calls[node.id], node.id))
    kept = {node.id for node in [one for one in ranked if one.kind not in ("group", *_ALWAYS)][:top]}
    beside = {edge.target for edge in found.edges if edge.source in kept}
    groups = [node.id for node in ranked if node.kind == "group" and node.id in beside][:top]
    return kept | set(groups) | {node.id for node in found.nodes if node.kind in _ALWAYS}


def _merged(found: ServiceMap, kept: Collection[str]) -> list[Edge]:
    """The edges with at least one of these nodes; the other nodes are one node for each kind."""
    instead = {node.id: node.id if node.id in kept else _id_of_others(node.kind) for node in found.nodes}
    parts: defaultdict[tuple[str, str, str, str], list[Edge]] = defaultdict(list)
    for edge in found.edges:
        source, target = instead[edge.source], instead[edge.target]
        if edge.source in kept and edge.target in kept:
            parts[source, target, edge.kind, edge.protocol].append(edge)
        elif edge.source in kept or edge.target in kept:
            parts[source, target, edge.kind, ""].append(edge)
    return [summed(source, target, edges) for (source, target, _, _), edges in parts.items()]


def _busiest_edges(edges: Iterable[Edge], most: int) -> list[Edge]:
    """The busiest edges, with the busiest one of each node first: no node is alone."""
    ranked = sorted(edges, key=lambda edge: (-edge.calls, *_order(edge)))
    first: list[Edge] = []
    rest: list[Edge] = []
    seen: set[str] = set()
    for edge in ranked:
        (rest if {edge.source, edge.target} <= seen else first).append(edge)
        seen |= {edge.source, edge.target}
    return first + rest[: max(most - len(first), 0)]


def _others(kind: str, number: int) -> Node:
    words = _id_of_others(kind).partition(":")[2]
    return Node(
        id=_id_of_others(kind), kind="other", name=f"{number:,} other {words if number > 1 else kind}"
    )


def _id_of_others(kind: str) -> str:
    return OTHERS.get(kind, f"other:{kind}")


def _order(edge: Edge) -> tuple[str, str, str]:
    return edge.source, edge.target, edge.protocol


def _note(found: ServiceMap, nodes: Collection[str], edges: Iterable[Edge]) -> str:
    known = {_order(edge): edge.calls for edge in found.edges}
    whole = [edge for edge in edges if _order(edge) in known]
    share = sum(edge.calls for edge in whole) / max(sum(known.values()), 1)
    return (
        f"The busiest {len(nodes):,} of {len(found.nodes):,} nodes, and {len(whole):,} of "
        f"{len(found.edges):,} edges with {math.floor(100 * share)} % of all calls. "
        "Grey nodes stand for the rest."
    )
