"""From a service map to what is drawn: the nodes and edges that are shown, their places and their labels."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laban_dashboard import words
from laban_dashboard.layout import layered
from laban_mapper.model import Edge, GroupLag, Node, ServiceMap

_BESIDE_NAME = {"service": 30, "topic": 58, "group": 44, "database": 30, "external": 44, "entry": 44}
"""Pixels that the outline of a kind needs beside the name: a topic has a sign before it."""

BUSY_MAP = 80
"""Above about so many nodes a map is no longer read but searched."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The part of a map that is drawn, and how many nodes were left out."""

    nodes: list[Node]
    edges: list[Edge]
    hidden: int


def edge_id(edge: Edge) -> str:
    """What names an edge in the page: its ends, kind and protocol."""
    return f"{edge.source} {edge.target} {edge.kind} {edge.protocol}"


def narrowed(found: ServiceMap, text: str, *, queues: bool = True, limit: int = BUSY_MAP) -> Shown:
    """The map around the nodes whose name contains `text`, without topics and groups if not `queues`.

    Of more than `limit` nodes the busiest stay.
    """
    edges = list(found.edges) if queues else _without_queues(found)
    touched = {end for edge in edges for end in (edge.source, edge.target)}
    nodes = [
        node for node in found.nodes if queues or node.id in touched or node.kind not in ("topic", "group")
    ]
    if text.strip():
        nodes, edges = _around(text.strip().casefold(), nodes, edges)
    hidden = max(0, len(nodes) - limit)
    if hidden:
        nodes, edges = _busiest(nodes, edges, limit)
    return Shown(sorted(nodes, key=lambda node: node.id), sorted(edges, key=edge_id), hidden)


def elements(
    shown: Shown, seconds: float, lag: Iterable[GroupLag], selected: str | None
) -> dict[str, object]:
    """What the component draws; calls are shown as a rate over `seconds`.

    Raises:
        RenderFailed: graphviz could not place the nodes.
    """
    behind = {group.group: group for group in lag}
    nodes = tuple((node.id, _width(node)) for node in shown.nodes)
    layout = layered(nodes, tuple((edge.source, edge.target) for edge in shown.edges))
    most = max((edge.calls for edge in shown.edges), default=1) or 1
    return {
        "nodes": [_node(node, layout.centres[node.id], behind) for node in shown.nodes],
        "edges": [
            _edge(edge, seconds, most)
            | (
                {"weights": curve.weights, "distances": curve.distances}
                if (curve := layout.curves.get(at))
                else {}
            )
            for at, edge in enumerate(shown.edges)
        ],
        "selected": selected,
    }


def _node(node: Node, centre: tuple[float, float], behind: Mapping[str, GroupLag]) -> dict[str, object]:
    group = behind.get(node.name) if node.kind == "group" else None
    return {
        "id": node.id,
        "kind": node.kind,
        "name": _short(node.name),
        "note": f"{group.messages:,} behind" if group and group.messages else "",
        "status": group.status if group else "",
        "width": _width(node),
        "x": round(centre[0], 1),
        "y": round(centre[1], 1),
    }


def _edge(edge: Edge, seconds: float, most: int) -> dict[str, object]:
    label = words.rate(edge.calls, seconds)
    if edge.p95_ms is not None:
        label += f"\n{words.duration(edge.p95_ms)}"
    if edge.errors:
        label += f"\n{words.share(edge.errors, edge.calls)} err"
    return {
        "id": edge_id(edge),
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "label": label,
        "failing": bool(edge.errors),
        "width": round(1.4 + 2.2 * (edge.calls / most) ** 0.5, 1),
    }


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:17]}…{name[-10:]}"


def _width(node: Node) -> int:
    """Pixels that the name takes at the size that the component writes it in, with room to breathe."""
    return max(96, round(8.3 * len(_short(node.name))) + _BESIDE_NAME[node.kind])


def _around(text: str, nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge]]:
    """The nodes that match and their neighbours."""
    matching = {node.id for node in nodes if text in node.name.casefold()}
    kept_edges = [edge for edge in edges if edge.source in matching or edge.target in matching]
    kept = matching | {end for edge in kept_edges for end in (edge.source, edge.target)}
    return [node for node in nodes if node.id in kept], kept_edges


def _busiest(nodes: list[Node], edges: list[Edge], limit: int) -> tuple[list[Node], list[Edge]]:
    calls: Counter[str] = Counter()
    for edge in edges:
        calls[edge.source] += edge.calls
        calls[edge.target] += edge.calls
    kept_nodes = sorted(nodes, key=lambda node: (-calls[node.id], node.id))[:limit]
    kept = {node.id for node in kept_nodes}
    return kept_nodes, [edge for edge in edges if edge.source in kept and edge.target in kept]


def _without_queues(found: ServiceMap) -> list[Edge]:
    """Service → topic → group → service drawn as one asynchronous edge between the services.

    Its figures are those of the last step, the consumer's; how many calls came from which of several
    publishers is not known then, so each gets the consumer's whole count.
    """
    kinds = {node.id: node.kind for node in found.nodes}
    queues = {node for node, kind in kinds.items() if kind in ("topic", "group")}
    direct = [edge for edge in found.edges if edge.source not in queues and edge.target not in queues]
    into: dict[str, list[Edge]] = {}
    for edge in found.edges:
        into.setdefault(edge.target, []).append(edge)
    joined: dict[tuple[str, str], Edge] = {}
    for edge in found.edges:
        if edge.source in queues and edge.target not in queues:
            for source in _publishers(edge.source, into, queues):
                joined[source, edge.target] = _added(joined.get((source, edge.target)), edge, source)
    return direct + list(joined.values())


def _added(known: Edge | None, edge: Edge, source: str) -> Edge:
    """Two ways between the same services as one edge: calls added up, the slower latencies."""
    if known is None:
        return edge.model_copy(update={"source": source})
    slower = max(known, edge, key=lambda one: one.p95_ms or 0)
    return slower.model_copy(
        update={"source": source, "calls": known.calls + edge.calls, "errors": known.errors + edge.errors}
    )


def _publishers(node: str, into: Mapping[str, list[Edge]], queues: set[str]) -> set[str]:
    """Who, not a queue itself, reaches this node through queues alone."""
    found: set[str] = set()
    seen = {node}
    waiting = [node]
    while waiting:
        for edge in into.get(waiting.pop(), []):
            if edge.source not in queues:
                found.add(edge.source)
            elif edge.source not in seen:
                seen.add(edge.source)
                waiting.append(edge.source)
    return found
