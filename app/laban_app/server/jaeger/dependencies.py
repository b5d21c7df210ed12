"""Which service calls which: the edges of the map, with topics collapsed into service → service."""

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from laban_mapper.model import Edge, Node, ServiceMap

Shares = Mapping[str, float]


class Dependency(NamedTuple):
    """How often a service called another one, or consumed its messages."""

    parent: str
    child: str
    calls: int


def dependencies(found: ServiceMap) -> list[Dependency]:
    """Return the dependencies of a map, by name.

    Services have their names without namespaces, as in Jaeger. A message counts when it is consumed. If
    several services publish to a topic, the consumed messages count for each as its share of the published
    ones: no count tells who published the message that was consumed.
    """
    nodes = {node.id: node for node in found.nodes}
    calls: defaultdict[tuple[str, str], float] = defaultdict(float)
    for edge in found.edges:
        if edge.kind == "sync" and _kind(edge.source) == _kind(edge.target) == "service":
            calls[_name(nodes, edge.source), _name(nodes, edge.target)] += edge.calls
    published, consumed = _published(found.edges), _consumed(found.edges)
    for topic, consumers in consumed.items():
        producers = published.get(topic, {})
        for producer, share in _shares(producers).items():
            for consumer, messages in consumers.items():
                calls[_name(nodes, producer), _name(nodes, consumer)] += messages * share
    return [
        Dependency(parent, child, max(round(number), 1))
        for (parent, child), number in sorted(calls.items())
        if number > 0
    ]


def _published(edges: list[Edge]) -> dict[str, dict[str, float]]:
    """Return topic → service → messages that it published."""
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for edge in edges:
        if _kind(edge.source) == "service" and _kind(edge.target) == "topic":
            found[edge.target][edge.source] = found[edge.target].get(edge.source, 0) + edge.calls
    return found


def _consumed(edges: list[Edge]) -> dict[str, dict[str, float]]:
    """Return topic → service → messages that it consumed, in all its groups."""
    members: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for edge in edges:
        if _kind(edge.source) == "group" and _kind(edge.target) == "service":
            members[edge.source][edge.target] = members[edge.source].get(edge.target, 0) + edge.calls
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for edge in edges:
        if _kind(edge.source) == "topic":
            of_target = (
                {edge.target: 1.0} if _kind(edge.target) == "service" else _shares(members[edge.target])
            )
            for service, share in of_target.items():
                found[edge.source][service] = found[edge.source].get(service, 0) + edge.calls * share
    return found


def _shares(counts: Shares) -> Shares:
    total = sum(counts.values())
    return {name: number / total for name, number in counts.items()} if total else {}


def _kind(node_id: str) -> str:
    return node_id.partition(":")[0]


def _name(nodes: Mapping[str, Node], node_id: str) -> str:
    node = nodes[node_id]
    return node.name if node.namespace is None else node.name.removeprefix(f"{node.namespace}/")
