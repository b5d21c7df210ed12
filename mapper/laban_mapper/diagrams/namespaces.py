"""Namespaces of services: who belongs to which, and a map in which each is one node."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from laban_mapper.diagrams.edge_sums import summed
from laban_mapper.diagrams.wrapping import shown_name
from laban_mapper.model import Edge, Node, NodeKind, ServiceMap
from laban_mapper.names import counted

_SHARED: Final[tuple[NodeKind, ...]] = ("topic", "database")


def homes(
    nodes: Iterable[Node], pairs: Iterable[tuple[str, str]], shared: Collection[NodeKind] = _SHARED
) -> dict[str, str]:
    """The namespace of each node that has one, by its ID.

    A consumer group belongs to its services.

    Args:
        nodes: of the map.
        pairs: the ends of its edges.
        shared: the kinds of nodes that belong where all their neighbors do.
    """
    found = {node.id: shown_name(node.namespace) for node in nodes if node.namespace}
    known = list(pairs)
    kinds = {node.id: node.kind for node in nodes}
    into: dict[str, set[str]] = {}
    near: dict[str, set[str]] = {}
    for source, target in known:
        into.setdefault(source, set()).add(target)
        near.setdefault(source, set()).add(target)
        near.setdefault(target, set()).add(source)
    found |= _inherited(
        {node: into.get(node, set()) for node, kind in kinds.items() if kind == "group"}, found
    )
    found |= _inherited(
        {node: near.get(node, set()) for node, kind in kinds.items() if kind in shared}, found
    )
    return found


def _inherited(around: Mapping[str, set[str]], found: Mapping[str, str]) -> dict[str, str]:
    """The one namespace of all neighbors, where there is one."""
    spaces = {node: {found.get(one) for one in near} for node, near in around.items()}
    return {
        node: only
        for node, near in spaces.items()
        if len(near) == 1 and (only := next(iter(near))) is not None
    }


def folded(found: ServiceMap) -> tuple[ServiceMap, str]:
    """The map with one node for each namespace, and a sentence that says so."""
    pairs = [(edge.source, edge.target) for edge in found.edges]
    home = homes(found.nodes, pairs, (*_SHARED, "external"))
    instead = {node: f"namespace:{space}" for node, space in home.items()}
    services = Counter(home[node.id] for node in found.nodes if node.kind == "service" and node.id in home)
    spaces = [
        Node(id=f"namespace:{space}", kind="other", name=f"{space}: {counted(number, 'service')}")
        for space, number in sorted(services.items())
    ]
    parts: dict[tuple[str, str, str], list[Edge]] = {}
    inside = 0
    for edge in found.edges:
        source, target = (instead.get(end, end) for end in (edge.source, edge.target))
        inside += source == target
        if source != target:
            parts.setdefault((source, target, edge.kind), []).append(edge)
    edges = [summed(source, target, some) for (source, target, _), some in sorted(parts.items())]
    nodes = [*spaces, *(node for node in found.nodes if node.id not in home)]
    note = (
        f"Each grey node is a namespace: {counted(len(spaces), 'namespace')} with "
        f"{counted(sum(services.values()), 'service')}. {counted(inside, 'edge')} inside them "
        f"{'is' if inside == 1 else 'are'} not drawn."
    )
    return found.model_copy(update={"nodes": nodes, "edges": edges}), note
