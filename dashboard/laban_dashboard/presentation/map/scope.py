"""Which part of the map is drawn: around a node, without queues, without quiet edges, by namespace."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from laban_dashboard.presentation.map.health import edge_health
from laban_dashboard.presentation.map.labels import edge_id
from laban_dashboard.presentation.map.namespaces import by_namespace, failing_inside, folded_into
from laban_mapper.model import Edge, Node, ServiceMap

MAX_NODES = 1_500
MAX_EDGES = 4_000
"""More than these no screen shows; of a larger map, the busiest part is drawn."""
QUIET_PER_MINUTE = 1.0
"""An edge with fewer calls a minute is quiet."""


@dataclass(frozen=True, slots=True)
class MapScope:
    """The part of the map that a user wants to see.

    Attributes:
        focus: the ID of the node to draw with its neighbours; None: everything.
        depth: how many edges away from it a neighbour can be.
        queues: whether topics and consumer groups are drawn.
        collapsed: whether the services of a namespace are one node.
        opened: the namespaces whose services are drawn all the same.
        quiet: whether edges with few calls are drawn.
    """

    focus: str | None = None
    depth: int = 1
    queues: bool = True
    collapsed: bool = False
    opened: frozenset[str] = frozenset()
    quiet: bool = True


@dataclass(frozen=True, slots=True)
class VisibleMap:
    """The part of a map that is drawn, and the number of nodes and edges that are not.

    Attributes:
        quiet_edges: those that are left out because they are quiet.
        folded: services that a node for their namespace stands for.
        failing_inside: those of them that fail, by the ID of that node.
    """

    nodes: list[Node]
    edges: list[Edge]
    hidden_nodes: int = 0
    hidden_edges: int = 0
    quiet_edges: int = 0
    folded: int = 0
    failing_inside: Mapping[str, list[Node]] = field(default_factory=dict[str, list[Node]])


def visible_map(
    found: ServiceMap,
    scope: MapScope | None = None,
    *,
    max_nodes: int = MAX_NODES,
    max_edges: int = MAX_EDGES,
) -> VisibleMap:
    """Return the part of a map that is in scope: the busiest nodes and edges if it is too large.

    Around a service, nothing is folded.
    """
    scope = scope or MapScope()
    nodes, edges = list(found.nodes), list(found.edges)
    failing: dict[str, list[Node]] = {}
    folded = 0
    if scope.collapsed and not any(node.id == scope.focus for node in nodes if node.namespace):
        failing = failing_inside(nodes, edges, scope.opened)
        folded = sum(folded_into(node, scope.opened) is not None for node in nodes)
        nodes, edges = by_namespace(nodes, edges, scope.opened)
    if not scope.queues:
        nodes, edges = _without_queues(nodes, edges)
    quiet = 0
    if not scope.quiet:
        nodes, edges, quiet = _without_quiet(nodes, edges, _minutes(found), {scope.focus, *failing})
    if scope.focus is not None:
        nodes, edges = _around(scope.focus, scope.depth, nodes, edges)
    hidden = max(0, len(nodes) - max_nodes)
    if hidden:
        nodes, edges = _busiest(nodes, edges, max_nodes)
    drawn = sorted(edges, key=lambda edge: (-edge.calls, edge_id(edge)))[:max_edges]
    return VisibleMap(
        sorted(nodes, key=lambda node: node.id),
        sorted(drawn, key=edge_id),
        hidden,
        len(edges) - len(drawn),
        quiet,
        folded,
        failing,
    )


def _minutes(found: ServiceMap) -> float:
    return max((found.until - found.since).total_seconds() / 60, 1.0)


def _without_quiet(
    nodes: list[Node], edges: list[Edge], minutes: float, kept: Collection[str | None]
) -> tuple[list[Node], list[Edge], int]:
    """Leave out edges with few calls and the nodes without others, but nothing that has a problem."""
    loud = [
        edge
        for edge in edges
        if edge.calls >= QUIET_PER_MINUTE * minutes or edge_health(edge) in ("failing", "flawed")
    ]
    ends = {end for edge in loud for end in (edge.source, edge.target)}
    shown = [
        node for node in nodes if node.id in ends or node.id in kept or node.lag_status not in (None, "OK")
    ]
    return shown, loud, len(edges) - len(loud)


def _around(focus: str, depth: int, nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge]]:
    """Return the node and everything at most `depth` edges away."""
    near = {focus}
    for _ in range(depth):
        near |= {
            end
            for edge in edges
            if edge.source in near or edge.target in near
            for end in (edge.source, edge.target)
        }
    between = [edge for edge in edges if edge.source in near and edge.target in near]
    return [node for node in nodes if node.id in near], between


def _busiest(nodes: list[Node], edges: list[Edge], limit: int) -> tuple[list[Node], list[Edge]]:
    calls: Counter[str] = Counter()
    for edge in edges:
        calls[edge.source] += edge.calls
        calls[edge.target] += edge.calls
    kept_nodes = sorted(nodes, key=lambda node: (-calls[node.id], node.id))[:limit]
    kept = {node.id for node in kept_nodes}
    return kept_nodes, [edge for edge in edges if edge.source in kept and edge.target in kept]


def _without_queues(nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[list[Node], list[Edge]]:
    """Replace each path service → topic → group → service by one asynchronous edge between the services.

    Its figures are those of the last hop, to the consumer. If a topic has several publishers, the share of
    each is unknown, so each edge gets the consumer's total.
    """
    queues = {node.id for node in nodes if node.kind in ("topic", "group")}
    direct = [edge for edge in edges if edge.source not in queues and edge.target not in queues]
    incoming: dict[str, list[Edge]] = {}
    for edge in edges:
        incoming.setdefault(edge.target, []).append(edge)
    merged: dict[tuple[str, str], Edge] = {}
    for edge in edges:
        if edge.source in queues and edge.target not in queues:
            for source in _publishers(edge.source, incoming, queues):
                merged[source, edge.target] = _merged(merged.get((source, edge.target)), edge, source)
    return [node for node in nodes if node.id not in queues], direct + list(merged.values())


def _merged(known: Edge | None, edge: Edge, source: str) -> Edge:
    """Merge two paths between the same services: add up the calls, take the higher latencies."""
    if known is None:
        return edge.model_copy(update={"source": source})
    slower = max(known, edge, key=lambda one: one.p95_ms or 0)
    return slower.model_copy(
        update={"source": source, "calls": known.calls + edge.calls, "errors": known.errors + edge.errors}
    )


def _publishers(node: str, incoming: Mapping[str, list[Edge]], queues: Collection[str]) -> set[str]:
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
