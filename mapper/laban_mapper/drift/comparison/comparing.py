"""Compares two sides, and says what the change from one to the other brought."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from laban_mapper.drift.answers import item_of
from laban_mapper.drift.checking import check
from laban_mapper.drift.comparison.sentences import brought, of_findings
from laban_mapper.drift.comparison.sides import Side
from laban_mapper.drift.facts import facts_of
from laban_mapper.drift.file_reader import Declared
from laban_mapper.drift.naming import ENTRY, name_of
from laban_mapper.model import Edge, EdgeKind
from laban_mapper.model_compare import ComparedEdge, ComparedGroup, Comparison, EdgeSide

MOST_EDGES: Final = 2_000
"""Edges of an answer."""


def compare(before: Side, after: Side) -> Comparison:
    """Both sides side by side."""
    systems = (before.system(), after.system())
    edges = sorted(_edges(before, after), key=_order)
    # The earlier side is the file that the later one is checked against.
    declared = Declared(before.name, dict.fromkeys(facts_of(before.choreography), 0))
    drifts = check(declared, after.choreography, before.choreography)
    changes = [item_of(drift).model_copy(update={"line": None}) for drift in drifts]
    found = (before.findings_by_place(), after.findings_by_place())
    new = [one for one in found[1] if one not in found[0]]
    gone = [one for one in found[0] if one not in found[1]]
    return Comparison(
        before=systems[0],
        after=systems[1],
        brought=[*brought(*systems, changes, edges), *of_findings(*systems, new, gone)],
        new_findings=new,
        gone_findings=gone,
        changes=changes,
        edges=edges[:MOST_EDGES],
        groups=list(_groups(before, after)),
        notes=list(_notes(before, after)),
        truncated=len(edges) > MOST_EDGES or before.map.truncated or after.map.truncated,
    )


class _Key(NamedTuple):
    source: str
    target: str
    kind: EdgeKind
    protocol: str


def _order(edge: ComparedEdge) -> tuple[bool, bool, str, str, str]:
    """Entries first, then calls, then messages."""
    return (edge.source != ENTRY, edge.kind == "async", edge.source, edge.target, edge.protocol)


def _edges(before: Side, after: Side) -> Iterator[ComparedEdge]:
    earlier, later = _by_key(before), _by_key(after)
    for key in earlier.keys() | later.keys():
        yield ComparedEdge(
            source=key.source,
            target=key.target,
            kind=key.kind,
            protocol=key.protocol,
            before=earlier.get(key),
            after=later.get(key),
        )


def _by_key(side: Side) -> dict[_Key, EdgeSide]:
    """The edges by their names without IDs. Percentiles of several edges of a name are unknown."""
    found: dict[_Key, list[Edge]] = {}
    for edge in side.edges:
        key = _Key(name_of(edge.source), name_of(edge.target), edge.kind, edge.protocol)
        found.setdefault(key, []).append(edge)
    requests = side.requests  # adds up all edges
    return {key: _side(edges, requests) for key, edges in found.items()}


def _side(edges: list[Edge], requests: int) -> EdgeSide:
    only = edges[0] if len(edges) == 1 else None
    calls = sum(edge.calls for edge in edges)
    return EdgeSide(
        calls=calls,
        errors=sum(edge.errors for edge in edges),
        p50_ms=None if only is None else only.p50_ms,
        p95_ms=None if only is None else only.p95_ms,
        per_request=calls / requests if requests else None,
    )


def _groups(before: Side, after: Side) -> Iterator[ComparedGroup]:
    earlier, later = before.lag_by_group(), after.lag_by_group()
    for group in sorted(earlier.keys() | later.keys()):
        yield ComparedGroup(group=group, before=earlier.get(group), after=later.get(group))


def _notes(before: Side, after: Side) -> Iterator[str]:
    for side in (before, after):
        if not side.edges:
            yield f"{side.name}: no calls in this time range."
        elif side.requests < 20:
            yield f"{side.name}: {side.requests} requests from outside; latencies tell little."
        if side.lag.truncated:
            yield f"{side.name}: only the newest polls of the lag are read."
