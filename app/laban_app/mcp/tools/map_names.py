"""The nodes and edges of a service map in words, for the tools that show them."""

from typing import Final

from pydantic import BaseModel

from laban_app.mcp.reply import safe
from laban_mapper.lag import lag_mark
from laban_mapper.model import Edge, Node, ServiceMap
from laban_mapper.times import format_duration

NAMED: Final = 10
"""The most names in an error."""


class EdgeReply(BaseModel):
    """Calls, or messages, from one node to another; of a message from a topic, the time in the queue."""

    source: str
    target: str
    kind: str
    protocol: str
    calls: int
    errors: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    lag: str | None = None


class MapNames:
    """The nodes of a map by their names."""

    def __init__(self, found: ServiceMap) -> None:
        self._nodes = {node.id: node for node in found.nodes}

    def line(self, edge: Edge) -> str:
        """An edge in one line."""
        times = "/".join(
            "–" if ms is None else format_duration(ms) for ms in (edge.p50_ms, edge.p95_ms, edge.p99_ms)
        )
        share = f" ({edge.errors / edge.calls:.1%})" if edge.errors and edge.calls else ""
        lag = self._lag(edge)
        return (
            f"{self.name(edge.source)} → {self.name(edge.target)}, {safe(edge.protocol, 12)} {edge.kind}, "
            f"{edge.calls:,} calls, {edge.errors:,} errors{share}, {times}{f', LAG {lag}' if lag else ''}"
        )

    def reply(self, edge: Edge) -> EdgeReply:
        """An edge as values."""
        return EdgeReply(
            source=self.name(edge.source),
            target=self.name(edge.target),
            kind=edge.kind,
            protocol=safe(edge.protocol, 12),
            calls=edge.calls,
            errors=edge.errors,
            p50_ms=edge.p50_ms,
            p95_ms=edge.p95_ms,
            p99_ms=edge.p99_ms,
            lag=self._lag(edge),
        )

    def name(self, node_id: str) -> str:
        """A node in words."""
        node = self._nodes.get(node_id)
        return safe(node_id) if node is None else _name(node)

    def history(self, edge: Edge) -> str:
        """The name of an edge in the latencies over time."""
        return f"{self._plain(edge.source)} → {self._plain(edge.target)}"

    def _plain(self, node_id: str) -> str:
        node = self._nodes.get(node_id)
        if node is None:
            return node_id
        return f"{node.namespace}/{node.name}" if node.namespace else node.name

    def _lag(self, edge: Edge) -> str | None:
        node = self._nodes.get(edge.target)
        return None if node is None else lag_mark(node)


def _name(node: Node) -> str:
    plain = node.kind in ("service", "entry", "unseen", "other")
    return safe(node.name) if plain else f"{node.kind} {safe(node.name)}"


def range_of(found: ServiceMap) -> str:
    """The time range of a map."""
    length = format_duration(max((found.until - found.since).total_seconds(), 1.0) * 1000)
    return f"{found.since:%Y-%m-%d %H:%M:%S} to {found.until:%Y-%m-%d %H:%M:%S} UTC ({length})"


def services_of(found: ServiceMap) -> str:
    """A sentence with the names of the services."""
    services = [node.name for node in found.nodes if node.kind == "service"]
    if not services:
        return "It has no services in this time range."
    more = f" and {len(services) - NAMED} more" if len(services) > NAMED else ""
    return f"Services: {', '.join(safe(name, 14) for name in services[:NAMED])}{more}."
