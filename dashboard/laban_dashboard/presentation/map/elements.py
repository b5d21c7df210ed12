"""The data of the map component: nodes and edges with their places, labels and health."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.map.changes import Change, ChangeKind
from laban_dashboard.presentation.map.graphviz import NODE_HEIGHT
from laban_dashboard.presentation.map.health import NodeHealth, edge_health, health_of_nodes
from laban_dashboard.presentation.map.labels import NAMESPACE, edge_id, kind_label, node_name
from laban_dashboard.presentation.map.placement import Placement
from laban_dashboard.presentation.map.scope import VisibleMap
from laban_mapper.model import Edge, GroupLag, Node
from laban_mapper.names import shortened

_PADDING: Final = {
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
_LINE: Final = 16
"""Pixels for each line of a name and its note from the third on."""
_ONE_LINE: Final = 16
"""The most letters of a name that has one line."""
LARGE: Final = 300
"""The number of nodes and edges from which on the component draws less detail while the map moves."""


def map_elements(
    visible: VisibleMap,
    seconds: float,
    lag: Iterable[GroupLag],
    selected: str | None,
    *,
    placement: Placement | None = None,
    changed: Sequence[Change] = (),
    listed: Iterable[Node] | None = None,
    view: str = "",
    page: str = "",
) -> dict[str, object]:
    """Return the data for the map component.

    Args:
        visible: what is drawn.
        seconds: over which call counts become rates.
        lag: of the consumer groups.
        selected: the ID of the selected node or edge.
        placement: the places that the browser shows; None: new ones.
        changed: what is different from the time range that the map is compared with.
        listed: the nodes that the search finds; None: those that are drawn.
        view: the component fits its window to the drawing when this changes.
        page: the page that opens what the search finds; empty: this one.

    Raises:
        RenderFailed: graphviz cannot lay out the nodes.
    """
    nodes = [(node.id, _width(node)) for node in visible.nodes]
    layout = (placement or Placement()).place(nodes, [(edge.source, edge.target) for edge in visible.edges])
    health = health_of_nodes(visible.nodes, visible.edges, lag)
    health |= {node: _health_inside(failing) for node, failing in visible.failing_inside.items()}
    changes: dict[str, ChangeKind] = {change.element: change.kind for change in changed}
    changes |= dict.fromkeys(_gone(visible, changes), "gone")
    max_calls = max((edge.calls for edge in visible.edges), default=1) or 1
    return {
        "nodes": [
            _node(node, layout.centres[node.id], health[node.id], changes.get(node.id))
            for node in visible.nodes
        ],
        "edges": [
            _edge(edge, seconds, max_calls, changes)
            | (
                {"weights": curve.weights, "distances": curve.distances}
                if (curve := layout.curves.get(index))
                else {}
            )
            for index, edge in enumerate(visible.edges)
        ],
        "names": [
            [node.id, node_name(node), kind_label(node)]
            for node in (visible.nodes if listed is None else listed)
        ],
        "selected": selected,
        "large": len(visible.nodes) + len(visible.edges) > LARGE,
        "compared": bool(changed),
        "view": view,
        "page": page,
    }


def _health_inside(failing: Sequence[Node]) -> NodeHealth:
    name = shortened(node_name(failing[0]), _ONE_LINE)
    return NodeHealth("failing", f"{name} fails" if len(failing) == 1 else f"{len(failing):,} services fail")


def _gone(visible: VisibleMap, changes: Mapping[str, ChangeKind]) -> set[str]:
    """Return the nodes all of whose edges are gone."""
    left = [edge for edge in visible.edges if changes.get(edge_id(edge)) != "gone"]
    ends = {end for edge in visible.edges for end in (edge.source, edge.target)}
    return ends - {end for edge in left for end in (edge.source, edge.target)}


def _node(
    node: Node, centre: tuple[float, float], health: NodeHealth, change: ChangeKind | None
) -> dict[str, object]:
    note = "\n".join(part for part in (health.note, change or "") if part)
    title = _title(node)
    lines = len(title) + (note.count("\n") + 1 if note else 0)
    return {
        "id": node.id,
        "kind": node.kind,
        "name": _short(node),
        "title": "\n".join(title),
        "note": note,
        "health": health.health,
        "change": change or "",
        "width": _width(node),
        "height": NODE_HEIGHT + _LINE * max(0, lines - 2),
        "x": round(centre[0], 1),
        "y": round(centre[1], 1),
    }


def _edge(edge: Edge, seconds: float, max_calls: int, changes: Mapping[str, ChangeKind]) -> dict[str, object]:
    element = edge_id(edge)
    change = changes.get(element)
    health = edge_health(edge)
    lines = _label(edge, seconds, change)
    return {
        "id": element,
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "label": "\n".join(lines),
        "short": _short_label(lines, edge) if len(lines) > 1 else "",
        "health": health,
        "change": change or "",
        "quiet": edge.calls == 0,
        "width": round(1.4 + 4.2 * (edge.calls / max_calls) ** 0.5, 1),
    }


def _label(edge: Edge, seconds: float, change: ChangeKind | None) -> list[str]:
    if change == "gone":
        return ["gone"]
    if not edge.calls:
        return []
    lines = [formatting.rate(edge.calls, seconds)]
    if edge.p95_ms is not None:
        lines.append(formatting.duration(edge.p95_ms))
    if change is not None:
        lines.insert(0, change)
    if edge.errors:
        lines.append(f"{formatting.percentage(edge.errors, edge.calls)} err")
    return lines


def _short_label(lines: Sequence[str], edge: Edge) -> str:
    """Return the line that says most, for an edge with little room: its errors, its change or its rate."""
    return lines[-1] if edge.errors else lines[0]


def _short(node: Node) -> str:
    return shortened(node_name(node), 28)


def _title(node: Node) -> list[str]:
    """Return the name in lines: a long one is broken after the mark that is nearest to its middle."""
    name = _short(node)
    if node.id.startswith(NAMESPACE) and ": " in name:
        return list(name.rsplit(": ", 1))
    breaks = [at + 1 for at, letter in enumerate(name[:-1]) if letter in "-._/: …" and at > 0]
    if len(name) <= _ONE_LINE or not breaks:
        return [name]
    middle = min(breaks, key=lambda at: abs(2 * at - len(name)))
    return [name[:middle].rstrip(), name[middle:]]


def _width(node: Node) -> int:
    """Estimate the node's width in pixels from the component's font size, with padding.

    It has room for a note, so that the note does not move anything.
    """
    least = 150 if node.kind == "group" else 96
    return max(least, round(8.3 * max(map(len, _title(node)))) + _PADDING[node.kind])
