"""What one side of a comparison is as a whole: its requests, its calls, and how long its chains are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from laban_mapper.drift.naming import ENTRY, name_of
from laban_mapper.model import Edge, Findings, LagHistory, ServiceMap
from laban_mapper.model_compare import LagSide, SystemSide
from laban_mapper.model_drift import Choreography

_OUTSIDE: Final = (ENTRY, "external:")
_UNKNOWN: Final = ("unseen:", "other:")


@dataclass(frozen=True, slots=True)
class Side:
    """Everything that is read of one side.

    Attributes:
        name: how it was asked for.
        map: its edges with their latencies.
        choreography: of the same time range.
        lag: of the same time range.
        findings: of the same time range.
    """

    name: str
    map: ServiceMap
    choreography: Choreography
    lag: LagHistory
    findings: Findings | None = None

    @property
    def edges(self) -> list[Edge]:
        """The edges between nodes that are known."""
        return [
            edge
            for edge in self.map.edges
            if not edge.source.startswith(_UNKNOWN) and not edge.target.startswith(_UNKNOWN)
        ]

    @property
    def requests(self) -> int:
        """The requests from outside."""
        return sum(edge.calls for edge in self._entries())

    def _entries(self) -> list[Edge]:
        return [edge for edge in self.edges if _is_entry(edge)]

    def system(self) -> SystemSide:
        """This side as a whole."""
        edges, entries, requests = self.edges, self._entries(), self.requests
        kinds = [node.kind for node in self.map.nodes]
        inner = sum(edge.calls for edge in edges if _is_inner(edge))
        sent = sum(edge.calls for edge in edges if edge.target.startswith("topic:"))
        only = entries[0] if len(entries) == 1 else None
        waited_for, chain = chains([edge for edge in edges if edge.kind == "sync"])
        return SystemSide(
            name=self.name,
            since=self.map.since,
            until=self.map.until,
            services=kinds.count("service"),
            topics=kinds.count("topic"),
            groups=kinds.count("group"),
            sync_edges=sum(edge.kind == "sync" and not _is_entry(edge) for edge in edges),
            async_edges=sum(edge.kind == "async" for edge in edges),
            requests=requests,
            failed=sum(edge.errors for edge in entries),
            p50_ms=None if only is None else only.p50_ms,
            p95_ms=None if only is None else only.p95_ms,
            calls_per_request=inner / requests if requests else None,
            messages_per_request=sent / requests if requests else None,
            waited_for=waited_for,
            longest_chain=chain,
            score=None if self.findings is None else self.findings.score,
            findings=len(self.findings_by_place()),
        )

    def findings_by_place(self) -> list[str]:
        """The errors and warnings: code, name and place, which do not change from run to run."""
        found = [] if self.findings is None else self.findings.findings
        counted = [one for one in found if one.severity != "info" and one.ignored is None]
        return list(dict.fromkeys(f"{one.code} {one.name} at {one.place}" for one in counted))

    def lag_by_group(self) -> Mapping[str, LagSide]:
        """The worst lag of each group: the most messages of one poll, and the longest time."""
        polls: dict[tuple[str, str], int] = {}
        longest: dict[str, float] = {}
        for point in self.lag.points:
            key = (point.group, point.time.isoformat())
            polls[key] = polls.get(key, 0) + (point.messages or 0)
            if point.seconds is not None:
                longest[point.group] = max(longest.get(point.group, 0.0), point.seconds)
        found: dict[str, LagSide] = {}
        for (group, _), messages in polls.items():
            known = found.get(group)
            most = max(messages, known.messages or 0) if known else messages
            found[group] = LagSide(messages=most, seconds=longest.get(group))
        return found


def _is_entry(edge: Edge) -> bool:
    return edge.kind == "sync" and edge.source.startswith(_OUTSIDE)


def _is_inner(edge: Edge) -> bool:
    return edge.kind == "sync" and edge.source.startswith("service:") and edge.target.startswith("service:")


def chains(calls: Sequence[Edge]) -> tuple[int, int]:
    """The most services that one entry waits for, and the most calls below one another.

    Both are of the graph: one request may need fewer. A circle counts as each of its services once.
    """
    import networkx as nx  # slow to load

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((name_of(edge.source), name_of(edge.target)) for edge in calls)
    entries = [node for node in graph if node.startswith(_OUTSIDE)]
    if not entries:
        return 0, 0
    services = {name_of(edge.target) for edge in calls if edge.target.startswith("service:")}
    waited_for = max(len(nx.descendants(graph, entry) & services) for entry in entries)
    circles = nx.condensation(graph)
    longest: dict[int, int] = {}
    for circle in reversed(list(nx.topological_sort(circles))):
        size = len(circles.nodes[circle]["members"]) - 1
        below = [longest[after] + 1 for after in circles.successors(circle)]
        longest[circle] = size + max(below, default=0)
    return waited_for, max(longest[circles.graph["mapping"][entry]] for entry in entries)
