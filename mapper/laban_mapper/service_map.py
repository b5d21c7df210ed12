"""Builds the service map from edge rows: which service calls which, and how."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from laban_collector.store.rows import EdgeRow, Lag
from laban_mapper.lag import with_lag
from laban_mapper.model import Edge, EdgeKind, Evidence, Node, NodeKind, ServiceMap

MAX_EDGES: Final = 5000
"""Limit for one map: a service that puts IDs into names makes more and more edges."""


def build_service_map(
    rows: Sequence[EdgeRow], lag: Sequence[Lag], since: datetime, until: datetime
) -> ServiceMap:
    """The service map of a time range, with the MAX_EDGES busiest edges.

    Args:
        rows: calls between two nodes, added up.
        lag: the newest poll of each consumer group. A group that reads a topic but has never sent a span is
            part of the map too, with an edge of 0 calls.
        since: start of the time range.
        until: end of the time range.
    """
    busiest = sorted(rows, key=lambda row: row.calls, reverse=True)[:MAX_EDGES]
    edges = [_edge(row) for row in busiest]
    known = {(edge.source, edge.target) for edge in edges}
    silent = {(f"topic:{row.topic}", f"group:{row.group}") for row in lag} - known
    edges += [_silent_edge(topic, group) for topic, group in sorted(silent)][: MAX_EDGES - len(edges)]
    edges.sort(key=lambda edge: (edge.source, edge.target, edge.protocol))
    truncated = len(edges) >= MAX_EDGES
    nodes = with_lag(_nodes(edges), lag)
    return ServiceMap(since=since, until=until, nodes=nodes, edges=edges, truncated=truncated)


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
    )


def _silent_edge(topic: str, group: str) -> Edge:
    """The edge of a group whose committed offsets show that it reads a topic, without any span."""
    return Edge(source=topic, target=group, kind="async", protocol="kafka", calls=0, errors=0)


def _nodes(edges: Iterable[Edge]) -> list[Node]:
    ids = {end for edge in edges for end in (edge.source, edge.target)}
    return [_node(node_id) for node_id in sorted(ids)]


def _node(node_id: str) -> Node:
    kind, _, name = node_id.partition(":")
    kinds: dict[str, NodeKind] = {
        "service": "service",
        "topic": "topic",
        "group": "group",
        "database": "database",
        "entry": "entry",
    }
    return Node(id=node_id, kind=kinds.get(kind, "external"), name=name)
