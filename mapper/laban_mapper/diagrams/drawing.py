"""The nodes and arrows of a diagram: a consumer group with one service becomes the label of an arrow."""

from collections.abc import Sequence
from typing import NamedTuple

from laban_mapper.contracts import edge_labels, published
from laban_mapper.lag import lag_mark
from laban_mapper.model import Edge, Node, ServiceMap
from laban_mapper.names import shortened
from laban_mapper.printable import printable
from laban_mapper.times import format_duration


class Arrow(NamedTuple):
    """One arrow of a diagram.

    Attributes:
        source: node ID.
        target: node ID.
        dashed: whether the calls are asynchronous.
        lines: the lines of its label.
        failing: whether any of the calls failed, or the group of the label does not keep up.
    """

    source: str
    target: str
    dashed: bool
    lines: tuple[str, ...]
    failing: bool


class Drawing(NamedTuple):
    """The nodes and arrows of a diagram, in an order that depends only on the service map."""

    nodes: list[Node]
    arrows: list[Arrow]


def simplify(service_map: ServiceMap) -> Drawing:
    """The drawing of a service map.

    A group whose messages go to one service becomes the label of the arrow `topic ┄▶ service`. A group
    without a known service stays a node, because it needs attention.
    """
    seconds = max((service_map.until - service_map.since).total_seconds(), 1.0)
    services = _services_of_groups(service_map)
    marks = {node.id: mark for node in service_map.nodes if (mark := lag_mark(node)) is not None}
    types = published(service_map.edges)
    arrows = []
    for edge in service_map.edges:
        if edge.source in services:
            continue
        target = services.get(edge.target, edge.target)
        merged = edge.target if edge.target in services else None
        name = None if merged is None else merged.partition(":")[2]
        arrows.append(_arrow(edge, target, name, seconds, marks.get(merged or ""), edge_labels(edge, types)))
    nodes = [_printable(node) for node in service_map.nodes if node.id not in services]
    return _with_short_names(Drawing(sorted(nodes, key=lambda node: node.id), sorted(arrows)))


def _with_short_names(drawing: Drawing) -> Drawing:
    nodes = [node.model_copy(update={"name": shortened(node.name)}) for node in drawing.nodes]
    arrows = [arrow._replace(lines=tuple(map(shortened, arrow.lines))) for arrow in drawing.arrows]
    return Drawing(nodes, arrows)


def _services_of_groups(service_map: ServiceMap) -> dict[str, str]:
    led_to: dict[str, set[str]] = {node.id: set() for node in service_map.nodes if node.kind == "group"}
    for edge in service_map.edges:
        if edge.source in led_to:
            led_to[edge.source].add(edge.target)
    return {group: min(targets) for group, targets in led_to.items() if len(targets) == 1}


def _arrow(
    edge: Edge,
    target: str,
    group: str | None,
    seconds: float,
    mark: str | None,
    contracts: Sequence[str],
) -> Arrow:
    lines = [f"group {group}"] if group else []
    lines += [mark] if mark else []
    lines += contracts
    lines.append(
        f"{edge.protocol} {_rate(edge.calls / seconds)}" if edge.calls else f"{edge.protocol}, never seen"
    )
    if edge.p95_ms is not None:
        waiting = "wait " if edge.source.startswith("topic:") else ""
        lines.append(f"{waiting}p95 {format_duration(edge.p95_ms)}")
    if edge.errors:
        lines.append(f"{_share(edge.errors, edge.calls)} errors")
    failing = edge.errors > 0 or mark is not None
    return Arrow(edge.source, target, edge.kind == "async", tuple(map(printable, lines)), failing)


def _printable(node: Node) -> Node:
    return node.model_copy(update={"name": printable(node.name)})


def _rate(per_second: float) -> str:
    if per_second >= 9.95:
        return f"{per_second:.0f}/s"
    if per_second >= 0.095:
        return f"{per_second:.1f}/s"
    per_minute = per_second * 60
    return f"{per_minute:.1f}/min" if per_minute >= 0.095 else f"{per_minute * 60:.1f}/h"


def _share(errors: int, calls: int) -> str:
    share = 100 * errors / max(calls, 1)
    return f"{share:.0f}%" if share >= 9.5 else f"{share:.1f}%"
