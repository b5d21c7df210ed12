"""The nodes and arrows of a picture: a consumer group with one service becomes the label of an arrow."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from laban_mapper.contracts import edge_labels, published
from laban_mapper.diagrams.graph import Graph, Labels
from laban_mapper.diagrams.wrapping import shown_name
from laban_mapper.lag import lag_mark
from laban_mapper.model import Edge, Node, ServiceMap
from laban_mapper.names import shortened
from laban_mapper.printable import printable
from laban_mapper.times import format_duration

MANY_ERRORS: Final = 0.05
"""The share of failed calls from which on an arrow is red, as on the map of the dashboard."""


class Arrow(NamedTuple):
    """One arrow of a diagram.

    Attributes:
        source: node ID.
        target: node ID.
        dashed: whether the calls are asynchronous.
        lines: the lines of its label.
        failing: whether many of the calls fail, or the group of the label does not keep up.
        protocol: of the calls.
    """

    source: str
    target: str
    dashed: bool
    lines: tuple[str, ...]
    failing: bool
    protocol: str = ""


class Drawing(NamedTuple):
    """The nodes and arrows of a diagram, in an order that depends only on the service map.

    Attributes:
        nodes: their names are printable and short.
        arrows: their ends are IDs of nodes.
        marks: how a group that is a node lags, by its ID.
    """

    nodes: list[Node]
    arrows: list[Arrow]
    marks: dict[str, str]

    def pairs(self) -> list[tuple[str, str]]:
        """The ends of the arrows."""
        return [(arrow.source, arrow.target) for arrow in self.arrows]


class _Hop(NamedTuple):
    """An edge of the map on its way to become an arrow.

    Attributes:
        edge: the numbers.
        source: node ID of the arrow.
        target: node ID of the arrow.
        before: lines above those of the edge: topics and groups that are no nodes.
        mark: how the group lags.
        counted: whether the numbers of the edge are those of the arrow.
    """

    edge: Edge
    source: str
    target: str
    before: tuple[str, ...] = ()
    mark: str | None = None
    counted: bool = True


def simplify(graph: Graph) -> Drawing:
    """The drawing of a graph.

    A group whose messages go to one service becomes the label of the arrow `topic ┄▶ service`. A group
    without a known service stays a node, because it needs attention. Topics may become labels, too.
    """
    found = graph.shown
    view = graph.view
    services = _services_of_groups(found)
    marks = {node.id: mark for node in found.nodes if (mark := lag_mark(node)) is not None}
    hops = [_merged(edge, services, marks) for edge in found.edges if edge.source not in services]
    gone = set(services)
    if view.topics == "collapse":
        hops, collapsed = _without_topics(found, hops)
        gone |= collapsed
    seconds = max((found.until - found.since).total_seconds(), 1.0)
    types = published(found.edges)
    arrows = [_arrow(hop, view.labels, seconds, edge_labels(hop.edge, types)) for hop in hops]
    nodes = [_shown(node) for node in found.nodes if node.id not in gone]
    left = {node: mark for node, mark in marks.items() if node not in gone} if view.with_numbers else {}
    return Drawing(sorted(nodes, key=lambda node: node.id), sorted(set(arrows)), left)


def _shown(node: Node) -> Node:
    return node.model_copy(update={"name": shown_name(node.name)})


def _services_of_groups(service_map: ServiceMap) -> dict[str, str]:
    led_to: dict[str, set[str]] = {node.id: set() for node in service_map.nodes if node.kind == "group"}
    for edge in service_map.edges:
        if edge.source in led_to:
            led_to[edge.source].add(edge.target)
    return {group: min(targets) for group, targets in led_to.items() if len(targets) == 1}


def _merged(edge: Edge, services: Mapping[str, str], marks: Mapping[str, str]) -> _Hop:
    """The hop of an edge; one that leads to a group with one service leads to the service."""
    if edge.target not in services:
        return _Hop(edge, edge.source, edge.target)
    group = f"group {edge.target.partition(':')[2]}"
    return _Hop(edge, edge.source, services[edge.target], (group,), marks.get(edge.target))


def _without_topics(found: ServiceMap, hops: Sequence[_Hop]) -> tuple[list[_Hop], set[str]]:
    """Hops from publishers to consumers, and the topics that are no nodes: those that have both.

    Of several publishers, nobody knows whose messages a consumer got: their arrows have no numbers.
    """
    names = {node.id: node.name for node in found.nodes if node.kind == "topic"}
    into: defaultdict[str, list[_Hop]] = defaultdict(list)
    out: defaultdict[str, list[_Hop]] = defaultdict(list)
    for hop in hops:
        into[hop.target].append(hop)
        out[hop.source].append(hop)
    gone = {topic for topic in names if into[topic] and out[topic]}
    kept = [hop for hop in hops if hop.source not in gone and hop.target not in gone]
    for topic in sorted(gone):
        publishers = sorted({hop.source for hop in into[topic]})
        line = f"topic {names[topic]}"
        kept += [
            hop._replace(source=source, before=(line, *hop.before), counted=len(publishers) == 1)
            for source in publishers
            for hop in out[topic]
        ]
    return kept, gone


def _arrow(hop: _Hop, labels: Labels, seconds: float, contracts: Sequence[str]) -> Arrow:
    edge = hop.edge
    numbers = labels not in ("contract", "none")
    lines = () if labels == "none" else _lines(hop, labels, seconds, contracts)
    return Arrow(
        source=hop.source,
        target=hop.target,
        dashed=edge.kind == "async",
        lines=tuple(shortened(printable(line)) for line in lines),
        failing=numbers and (_fails(edge) or hop.mark is not None),
        protocol=shortened(printable(edge.protocol)),
    )


def _fails(edge: Edge) -> bool:
    return edge.errors > 0 and edge.errors >= MANY_ERRORS * edge.calls


def _lines(hop: _Hop, labels: Labels, seconds: float, contracts: Sequence[str]) -> list[str]:
    edge = hop.edge
    if labels == "contract":
        return [*hop.before, *(sorted(contracts) or [edge.protocol])]
    lines = [*hop.before, *([hop.mark] if hop.mark else [])]
    if labels == "all":
        lines += contracts
    lines += _numbers(edge, labels, seconds) if hop.counted else [edge.protocol]
    return lines


def _numbers(edge: Edge, labels: Labels, seconds: float) -> list[str]:
    """The protocol with what was measured."""
    if not edge.calls:
        return [f"{edge.protocol}, never seen"]
    rate = [] if labels == "latency" else [f"{edge.protocol} {_rate(edge.calls / seconds)}"]
    lines = rate or [edge.protocol]
    if labels != "rate" and edge.p95_ms is not None:
        waiting = "wait " if edge.source.startswith("topic:") else ""
        lines.append(f"{waiting}p95 {format_duration(edge.p95_ms)}")
    if labels != "latency" and edge.errors:
        lines.append(f"{_share(edge.errors, edge.calls)} errors")
    return lines


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
