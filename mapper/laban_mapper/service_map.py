"""Builds the service map from edge rows: which service calls which, and how."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from laban_collector.store.rows import OTHER_EDGES, OTHERS, EdgeRow, Lag
from laban_mapper.contracts import contracts_of
from laban_mapper.lag import with_lag
from laban_mapper.model import Edge, EdgeKind, Evidence, Node, NodeKind, ServiceMap

MAX_EDGES: Final = 5000
"""Limit for one map: a service that puts IDs into names makes more and more edges."""


_KINDS: Final[dict[str, NodeKind]] = {
    "service": "service",
    "topic": "topic",
    "group": "group",
    "database": "database",
    "entry": "entry",
    "unseen": "unseen",
    "other": "other",
}
UNSEEN: Final = "unseen:callers"
"""The node ID of callers that were not seen."""
_UNKNOWN: Final = "unknown"
"""The name of callees that no caller names; their node IDs are `external:unknown/CALLER`."""
_WORDS: Final = {UNSEEN: "caller not seen"} | {node: node.replace(":", " ") for node in OTHERS.values()}


def build_service_map(
    rows: Sequence[EdgeRow],
    lag: Sequence[Lag],
    since: datetime,
    until: datetime,
    *,
    namespaces: Collection[str] = (),
    unseen: bool = False,
    counted_to: datetime | None = None,
) -> ServiceMap:
    """The service map of a time range, with the MAX_EDGES busiest edges; the rest becomes edges of others.

    Args:
        rows: calls between two nodes, added up.
        lag: the newest poll of each consumer group. A group that reads a topic but has never sent a span is
            part of the map too, with an edge of 0 calls.
        since: start of the time range.
        until: end of the time range.
        namespaces: the namespaces of the services.
        unseen: whether callers that were not seen are a node of the map.
        counted_to: when the newest counted spans were stored, if some are not counted yet.
    """
    ranked = sorted(rows, key=lambda row: row.calls, reverse=True)
    edges = [_edge(row) for row in ranked[:MAX_EDGES]]
    is_truncated = len(edges) >= MAX_EDGES
    edges += _of_others(edges, ranked[MAX_EDGES:])
    known = {(edge.source, edge.target) for edge in edges}
    silent = {(f"topic:{row.topic}", f"group:{row.group}") for row in lag} - known
    edges += [_silent_edge(topic, group) for topic, group in sorted(silent)][: max(MAX_EDGES - len(edges), 0)]
    edges.sort(key=lambda edge: (edge.source, edge.target, edge.protocol))
    shown = [edge for edge in edges if unseen or edge.source != UNSEEN]
    ends = {end for edge in edges for end in (edge.source, edge.target) if unseen or end != UNSEEN}
    return ServiceMap(
        since=since,
        until=until,
        nodes=with_lag(_nodes(ends, namespaces), lag),
        edges=shown,
        truncated=is_truncated or len(edges) >= MAX_EDGES,
        callers_not_seen=sum(row.calls for row in rows if row.source == UNSEEN),
        counted_to=counted_to,
    )


def _of_others(shown: Iterable[Edge], rows: Iterable[EdgeRow]) -> list[Edge]:
    """The sums of further rows. Nodes without another edge are one node for each kind.

    Percentiles do not add up, so they are unknown.
    """
    known = {end for edge in shown for end in (edge.source, edge.target)}
    sums: dict[tuple[str, str, str, str], EdgeRow] = {}
    for row in rows:
        source, target = (
            node if node in known else OTHERS.get(node.partition(":")[0], node)
            for node in (row.source, row.target)
        )
        if source == row.source and target == row.target:
            target = OTHER_EDGES
        key = (source, target, row.kind, row.protocol)
        found = sums.get(key)
        sums[key] = EdgeRow(
            *key,
            calls=row.calls + (found.calls if found else 0),
            errors=row.errors + (found.errors if found else 0),
            p50_ms=None,
            p95_ms=None,
            p99_ms=None,
            by_parent=row.by_parent + (found.by_parent if found else 0),
            by_link=row.by_link + (found.by_link if found else 0),
            by_attribute=row.by_attribute + (found.by_attribute if found else 0),
        )
    return [_edge(row) for row in sums.values()]


def _edge(row: EdgeRow) -> Edge:
    kind: EdgeKind = "async" if row.kind == "async" else "sync"
    return Edge(
        source=row.source,
        target=row.target,
        kind=kind,
        protocol=row.protocol,
        calls=row.calls,
        errors=row.errors,
        p50_ms=row.p50_ms,
        p95_ms=row.p95_ms,
        p99_ms=row.p99_ms,
        evidence=Evidence(parent=row.by_parent, link=row.by_link, attribute=row.by_attribute),
        contracts=contracts_of(row.contracts),
    )


def _silent_edge(topic: str, group: str) -> Edge:
    """The edge of a group whose committed offsets show that it reads a topic, without any span."""
    return Edge(source=topic, target=group, kind="async", protocol="kafka", calls=0, errors=0)


def _nodes(ids: Iterable[str], namespaces: Collection[str]) -> list[Node]:
    nodes = [_node(node_id, namespaces) for node_id in sorted(ids)]
    services = Counter(node.name for node in nodes if node.kind == "service")
    return [_in_full(node) if services[node.name] > 1 else node for node in nodes]


def _node(node_id: str, namespaces: Collection[str]) -> Node:
    kind, _, name = node_id.partition(":")
    namespace, slash, short = name.partition("/")
    if kind == "service" and slash and namespace in namespaces:
        return Node(id=node_id, kind="service", name=short, namespace=namespace)
    if kind == "external" and namespace == _UNKNOWN:
        name = _UNKNOWN
    return Node(id=node_id, kind=_KINDS.get(kind, "external"), name=_WORDS.get(node_id, name))


def _in_full(node: Node) -> Node:
    """A service with its namespace in the name, because the name alone is ambiguous."""
    if node.kind != "service" or node.namespace is None:
        return node
    return node.model_copy(update={"name": f"{node.namespace}/{node.name}"})
