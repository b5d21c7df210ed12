"""The part of a service map that a diagram is about: around a node, of an entry operation, or of an order."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from laban_mapper.diagrams.sequence import CLIENTS, interactions
from laban_mapper.model import Edge, Node, ServiceMap, Story

Pair = tuple[str, str]
"""Two node IDs: a source and a target."""
_BETWEEN: Final = ("topic", "group")
"""The kinds of nodes that lie on the way from one service to another."""


def named(found: ServiceMap, name: str) -> list[Node]:
    """The node with this ID, or else the services with this name, or else all nodes with it."""
    same = [node for node in found.nodes if node.name == name]
    services = [node for node in same if node.kind == "service"]
    return [node for node in found.nodes if node.id == name] or services or same


def around(found: ServiceMap, name: str, depth: int = 1) -> ServiceMap:
    """The nodes that a name means, and all within `depth` calls or messages, up and down.

    No node has the name: the map has no nodes.
    """
    wanted = {node.id for node in named(found, name)}
    walk = _Walk(found)
    kept: set[int] = set()
    for forward in (True, False):
        reached, frontier = set(wanted), set(wanted)
        for _ in range(depth):
            edges, frontier = walk.step(frontier, forward=forward)
            kept |= edges
            frontier -= reached
            reached |= frontier
    return _with(found, [edge for at, edge in enumerate(found.edges) if at in kept], wanted)


def touched(found: ServiceMap, pairs: Collection[Pair]) -> ServiceMap:
    """The edges between these nodes, and those through the groups of a topic and its consumer.

    Args:
        found: the map.
        pairs: sources and targets; a topic and a service stand for all groups between them.
    """
    groups: dict[str, set[str]] = {}
    for edge in found.edges:
        if edge.source.startswith("group:"):
            groups.setdefault(edge.source, set()).add(edge.target)
    wanted = set(pairs)
    through = {
        pair
        for edge in found.edges
        for service in groups.get(edge.target, ())
        if (edge.source, service) in wanted
        for pair in ((edge.source, edge.target), (edge.target, service))
    }
    kept = wanted | through
    return _with(found, [edge for edge in found.edges if (edge.source, edge.target) in kept], ())


def of_order(found: ServiceMap, story: Story) -> ServiceMap:
    """What an order touched: the services that answered, and the topics of its messages.

    Databases and callees that send no spans are not part of it: a story does not name them.
    """
    pairs = {(one.source, one.target) for one in interactions(story).interactions}
    entries = {node.id for node in found.nodes if node.kind == "entry"}
    first = {target for source, target in pairs if source == CLIENTS}
    return touched(found, pairs | {(entry, target) for entry in entries for target in first})


class _Walk:
    """Goes from service to service, through topics and groups."""

    def __init__(self, found: ServiceMap) -> None:
        self._edges = found.edges
        self._between = {node.id for node in found.nodes if node.kind in _BETWEEN}
        self._out: dict[str, list[int]] = {}
        self._into: dict[str, list[int]] = {}
        for at, edge in enumerate(found.edges):
            self._out.setdefault(edge.source, []).append(at)
            self._into.setdefault(edge.target, []).append(at)

    def step(self, start: Iterable[str], *, forward: bool) -> tuple[set[int], set[str]]:
        """The edges of one step in a direction, and the nodes that it leads to."""
        edges: set[int] = set()
        reached: set[str] = set()
        waiting = list(start)
        while waiting:
            for at, end in self._next(waiting.pop(), forward=forward):
                if end in self._between and at not in edges:
                    waiting.append(end)
                edges.add(at)
                reached.add(end)
        return edges, reached - self._between

    def _next(self, node: str, *, forward: bool) -> Iterator[tuple[int, str]]:
        for at in (self._out if forward else self._into).get(node, ()):
            yield at, self._edges[at].target if forward else self._edges[at].source


def _with(found: ServiceMap, edges: list[Edge], also: Collection[str]) -> ServiceMap:
    ends = {end for edge in edges for end in (edge.source, edge.target)} | set(also)
    return found.model_copy(
        update={"nodes": [node for node in found.nodes if node.id in ends], "edges": edges}
    )
