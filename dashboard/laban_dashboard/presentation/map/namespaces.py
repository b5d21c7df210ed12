"""Draws the services of a namespace as one node."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.map.health import edge_health
from laban_dashboard.presentation.map.labels import NAMESPACE
from laban_mapper.model import Edge, Evidence, Node

_MANY: Final = 80
"""More services than these are folded by namespace without being asked for."""


def namespaces_of(nodes: Iterable[Node]) -> list[str]:
    """Return the namespaces of the services on a map, sorted."""
    return sorted({node.namespace for node in nodes if node.namespace})


def folds(nodes: Sequence[Node]) -> bool:
    """Return whether a map is large, and several namespaces make it smaller by half or more."""
    services = [node for node in nodes if node.kind == "service"]
    names = namespaces_of(services)
    left = len(names) + sum(not node.namespace for node in services)
    return len(services) > _MANY and len(names) > 1 and 2 * left <= len(services)


def folded_into(node: Node, opened: frozenset[str]) -> str | None:
    """Return the ID of the node that stands for a service when namespaces are folded; None: it is drawn."""
    return f"{NAMESPACE}{node.namespace}" if node.namespace and node.namespace not in opened else None


def failing_inside(
    nodes: Sequence[Node], edges: Iterable[Edge], opened: frozenset[str]
) -> dict[str, list[Node]]:
    """Return the services of folded namespaces that calls fail of, by the ID of the namespace's node."""
    failing = {edge.target for edge in edges if edge_health(edge) == "failing"}
    found: dict[str, list[Node]] = {}
    for node in sorted(nodes, key=lambda node: node.id):
        stands_in = folded_into(node, opened)
        if stands_in is not None and node.id in failing:
            found.setdefault(stands_in, []).append(node)
    return found


def by_namespace(
    nodes: Sequence[Node], edges: Sequence[Edge], opened: frozenset[str]
) -> tuple[list[Node], list[Edge]]:
    """Return the map with one node for the services of each namespace that is not opened.

    Calls inside a namespace are left out. The percentiles of several edges do not add up, so an edge that
    stands for several has none.
    """
    sizes = Counter(node.namespace for node in nodes if node.namespace and node.namespace not in opened)
    stands_in = {node.id: into for node in nodes if (into := folded_into(node, opened)) is not None}
    shown = [node for node in nodes if node.id not in stands_in]
    shown += [
        Node(
            id=f"{NAMESPACE}{namespace}",
            kind="other",
            name=f"{namespace}: {formatting.count(size, 'service')}",
            namespace=namespace,
        )
        for namespace, size in sizes.items()
    ]
    return shown, _between(edges, stands_in)


def _between(edges: Iterable[Edge], stands_in: dict[str, str]) -> list[Edge]:
    merged: dict[tuple[str, str, str, str], Edge] = {}
    for edge in edges:
        source, target = (stands_in.get(end, end) for end in (edge.source, edge.target))
        if source == target and source != edge.source:
            continue
        key = (source, target, edge.kind, edge.protocol)
        known = merged.get(key)
        moved = edge.model_copy(update={"source": source, "target": target})
        merged[key] = moved if known is None else _sum(known, moved)
    return list(merged.values())


def _sum(first: Edge, second: Edge) -> Edge:
    evidence = Evidence(
        parent=first.evidence.parent + second.evidence.parent,
        link=first.evidence.link + second.evidence.link,
        attribute=first.evidence.attribute + second.evidence.attribute,
    )
    unknown = dict.fromkeys(("p50_ms", "p95_ms", "p99_ms"))
    return first.model_copy(
        update=unknown
        | {
            "calls": first.calls + second.calls,
            "errors": first.errors + second.errors,
            "evidence": evidence,
            "contracts": [],
        }
    )
