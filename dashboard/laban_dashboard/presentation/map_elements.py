"""The nodes and edges of the map that are visible, with their positions and labels."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.map_layout import layout_graph
from laban_mapper.model import Edge, GroupLag, Node, ServiceMap

_PADDING = {
    "service": 30,
    "topic": 58,
    "group": 44,
    "database": 30,
    "external": 44,
    "entry": 44,
    "unseen": 44,
    "other": 44,
}
"""Pixels to add to the name's width for each node kind; topics also have an icon."""

NODE_KIND_LABELS = {
    "service": "service",
    "topic": "Kafka topic",
    "group": "consumer group",
    "database": "database",
    "external": "not traced",
    "entry": "caller, not traced",
    "unseen": "caller not seen",
    "other": "several of a kind",
}

MAX_NODES = 80
"""A larger map is hard to read, so only its busiest nodes are drawn."""
MAX_EDGES = 150
"""The same for edges; Graphviz takes minutes to lay out several hundred."""


@dataclass(frozen=True, slots=True)
class VisibleMap:
    """The part of a map that is drawn, and the number of hidden nodes and edges."""

    nodes: list[Node]
    edges: list[Edge]
    hidden_nodes: int
    hidden_edges: int = 0


def edge_id(edge: Edge) -> str:
    """Return the ID of an edge in the page: its ends, kind and protocol."""
    return f"{edge.source} {edge.target} {edge.kind} {edge.protocol}"


def edge_label(edge: Edge, nodes: Iterable[Node]) -> str:
    """Return `source → target`, with the node kinds if both ends have the same name."""
    by_id = {node.id: node for node in nodes}
    source, target = by_id[edge.source], by_id[edge.target]
    if source.name == target.name:
        return f"{node_label(source)} → {node_label(target)}"
    return f"{source.name} → {target.name}"


def node_label(node: Node) -> str:
    """Return the name of a node with its kind: `email (consumer group)`."""
    return f"{node.name} ({NODE_KIND_LABELS[node.kind]})"


def visible_map(found: ServiceMap, text: str, *, queues: bool = True, limit: int = MAX_NODES) -> VisibleMap:
    """Return the nodes whose name contains `text`, and their neighbours; all nodes if `text` is empty.

    Without `queues`, topics and groups are left out. Above `limit` nodes, only the busiest are kept, and of
    the edges between them the MAX_EDGES busiest.
    """
    edges = list(found.edges) if queues else _without_queues(found)
    connected = {end for edge in edges for end in (edge.source, edge.target)}
    nodes = [
        node for node in found.nodes if queues or node.id in connected or node.kind not in ("topic", "group")
    ]
    if text.strip():
        nodes, edges = _around(text.strip().casefold(), nodes, edges)
    hidden = max(0, len(nodes) - limit)
    if hidden:
        nodes, edges = _busiest(nodes, edges, limit)
    drawn = sorted(edges, key=lambda edge: (-edge.calls, edge_id(edge)))[:MAX_EDGES]
    return VisibleMap(
        sorted(nodes, key=lambda node: node.id),
        sorted(drawn, key=edge_id),
        hidden,
        len(edges) - len(drawn),
    )


def map_elements(
    visible: VisibleMap, seconds: float, lag: Iterable[GroupLag], selected: str | None
) -> dict[str, object]:
    """Return the data for the map component; call counts become rates over `seconds`.

    Raises:
            RenderFailed: graphviz cannot lay out the nodes.
    """
    lag_by_group = {group.group: group for group in lag}
    nodes = tuple((node.id, _width(node)) for node in visible.nodes)
    layout = layout_graph(nodes, tuple((edge.source, edge.target) for edge in visible.edges))
    max_calls = max((edge.calls for edge in visible.edges), default=1) or 1
    return {
        "nodes": [_node(node, layout.centres[node.id], lag_by_group) for node in visible.nodes],
        "edges": [
            _edge(edge, seconds, max_calls)
            | (
                {"weights": curve.weights, "distances": curve.distances}
                if (curve := layout.curves.get(index))
                else {}
            )
            for index, edge in enumerate(visible.edges)
        ],
        "selected": selected,
    }


def _node(node: Node, centre: tuple[float, float], lag_by_group: Mapping[str, GroupLag]) -> dict[str, object]:
    group = lag_by_group.get(node.name) if node.kind == "group" else None
    messages = node.lag_messages if group is None else group.messages
    status = node.lag_status if group is None else group.status
    return {
        "id": node.id,
        "kind": node.kind,
        "name": _short(node.name),
        "note": f"{messages:,} behind" if messages else "",
        "status": status or "",
        "width": _width(node),
        "x": round(centre[0], 1),
        "y": round(centre[1], 1),
    }


def _edge(edge: Edge, seconds: float, max_calls: int) -> dict[str, object]:
    label = formatting.rate(edge.calls, seconds)
    if edge.p95_ms is not None:
        label += f"\n{formatting.duration(edge.p95_ms)}"
    if edge.errors:
        label += f"\n{formatting.percentage(edge.errors, edge.calls)} err"
    return {
        "id": edge_id(edge),
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "label": label,
        "failing": bool(edge.errors),
        "width": round(1.4 + 2.2 * (edge.calls / max_calls) ** 0.5, 1),
    }


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:17]}…{name[-10:]}"


def _width(node: Node) -> int:
    """Estimate the node's width in pixels from the component's font size, with padding."""
    return max(96, round(8.3 * len(_short(node.name))) + _PADDING[node.kind])


def _around(text: str, nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge]]:
    """Return the matching nodes and their neighbours."""
    matches = {node.id for node in nodes if text in node.name.casefold()}
    kept_edges = [edge for edge in edges if edge.source in matches or edge.target in matches]
    kept = matches | {end for edge in kept_edges for end in (edge.source, edge.target)}
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
    """Replace each path service → topic → group → service by one asynchronous edge between the services.

    Its figures are those of the last hop, to the consumer. If a topic has several publishers, the share of
    each is unknown, so each edge gets the consumer's total.
    """
    kinds = {node.id: node.kind for node in found.nodes}
    queues = {node for node, kind in kinds.items() if kind in ("topic", "group")}
    direct = [edge for edge in found.edges if edge.source not in queues and edge.target not in queues]
    incoming: dict[str, list[Edge]] = {}
    for edge in found.edges:
        incoming.setdefault(edge.target, []).append(edge)
    merged: dict[tuple[str, str], Edge] = {}
    for edge in found.edges:
        if edge.source in queues and edge.target not in queues:
            for source in _publishers(edge.source, incoming, queues):
                merged[source, edge.target] = _merged(merged.get((source, edge.target)), edge, source)
    return direct + list(merged.values())


def _merged(known: Edge | None, edge: Edge, source: str) -> Edge:
    """Merge two paths between the same services: add up the calls, take the higher latencies."""
    if known is None:
        return edge.model_copy(update={"source": source})
    slower = max(known, edge, key=lambda one: one.p95_ms or 0)
    return slower.model_copy(
        update={"source": source, "calls": known.calls + edge.calls, "errors": known.errors + edge.errors}
    )


def _publishers(node: str, incoming: Mapping[str, list[Edge]], queues: set[str]) -> set[str]:
    """Return the nodes that reach `node` through topics and groups only."""
    found: set[str] = set()
    seen = {node}
    waiting = [node]
    while waiting:
        for edge in incoming.get(waiting.pop(), []):
            if edge.source not in queues:
                found.add(edge.source)
            elif edge.source not in seen:
                seen.add(edge.source)
                waiting.append(edge.source)
    return found
