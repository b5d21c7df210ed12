"""Reads whole traces: every span with everything that was sent."""

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from typing import Final, TypeVar

import duckdb

from laban.vocabulary import PROMOTED
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index.keys import CommitRange
from laban_collector.store.duckdb.read.rows import Row, SpanAddress, TraceAddress, both_forms, named_rows
from laban_collector.store.rows import Attributes, ResourceRow, ScopeRow, WholeEvent, WholeLink, WholeSpan

PAGE: Final = 5_000
"""Spans that are read at once; limits the memory."""

_MANY_ORIGINS: Final = 10_000
_BEGIN: Final = {"start": -1, "span_id": 0, "kind": 0}
"""The place before the first span."""
_COLUMNS: Final = tuple(promoted.column for promoted in PROMOTED)

T = TypeVar("T")
Parameters = Mapping[str, object]
Place = Mapping[str, int]


class Origins:
    """Resources and scopes by id, which never change; those of one trace at least."""

    def __init__(self) -> None:
        self.resources: dict[int, ResourceRow] = {}
        self.scopes: dict[int, ScopeRow] = {}

    def unknown(self, rows: Sequence[Row]) -> tuple[list[int], list[int]]:
        """Return the ids of unknown resources and scopes."""
        resources = {row["resource_id"] for row in rows} - self.resources.keys()
        scopes = {row["scope_id"] for row in rows} - self.scopes.keys()
        return list(resources), list(scopes)

    def few(self) -> "Origins":
        """Return these, or none if there are very many."""
        return self if len(self.resources) + len(self.scopes) <= _MANY_ORIGINS else Origins()


class TraceQuery:
    """Reads one trace or some, and all forms of their ids.

    Args:
        cursor: in a transaction.
        traces: the ids.
        ranges: the commits that may hold them, in file order.
        origins: the resources and scopes that are known.
    """

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        traces: Collection[TraceAddress],
        ranges: Sequence[CommitRange],
        origins: "Origins",
    ) -> None:
        self._cursor = cursor
        self._traces = set(traces)
        self._wanted = {"wanted": list({low for _, low in traces})}
        self._ranges = ranges
        self._origins = origins

    def pages(self, limit: int | None) -> Generator[list[WholeSpan], None, None]:
        """Yield the spans by start, at most `limit`."""
        most = PAGE if limit is None else min(limit, PAGE)
        rows = [row for commits in self._ranges for row in self._spans(commits, _BEGIN, PAGE + 1)]
        if len(rows) > PAGE:
            yield from self._sorted_pages(limit)
            return
        forms = both_forms(self._traces, {_trace_of(row) for row in rows})
        rows = sorted((row for row in rows if _trace_of(row) in forms), key=_place_of)[:most]
        if rows:
            yield self._whole(rows)

    def _sorted_pages(self, limit: int | None) -> Generator[list[WholeSpan], None, None]:
        """Yield many spans, which the database sorts: they may be in several ranges."""
        commits = CommitRange(self._ranges[0].first, max(last for _, last in self._ranges))
        found = self._run("forms_of", {**_bounds(commits), **self._wanted})
        forms = both_forms(self._traces, map(_trace_of, found))
        place: Place = _BEGIN
        left = limit
        while left is None or left > 0:
            rows = self._spans(commits, place, PAGE)
            if not rows:
                return
            place = {name: rows[-1][name] for name in _BEGIN}
            rows = [row for row in rows if _trace_of(row) in forms][:left]
            left = None if left is None else left - len(rows)
            if rows:
                yield self._whole(rows)

    def _spans(self, commits: CommitRange, after: Place, limit: int) -> list[Row]:
        asked = {**self._wanted, **after, "limit": limit}
        return self._run("whole_spans", {**_bounds(commits), **asked})

    def _whole(self, rows: Sequence[Row]) -> list[WholeSpan]:
        arrivals = [row["arrival"] for row in rows]
        of_spans = {
            **_bounds(CommitRange(min(arrivals), max(arrivals))),
            **self._wanted,
            "span_ids": list({row["span_id"] for row in rows}),
        }
        events = _by_span((row, _event(row)) for row in self._run("whole_events", of_spans))
        links = _by_span((row, _link(row)) for row in self._run("whole_links", of_spans))
        self._look_up(rows)
        return [
            _span(
                row,
                tuple(events.get(_address(row), ())),
                tuple(links.get(_address(row), ())),
                self._origins.resources[row["resource_id"]],
                self._origins.scopes[row["scope_id"]],
            )
            for row in rows
        ]

    def _look_up(self, rows: Sequence[Row]) -> None:
        """Read the resources and scopes that are not known yet."""
        resources, scopes = self._origins.unknown(rows)
        for row in self._run("resources_of", {"ids": resources}) if resources else ():
            found = ResourceRow(row["service"], row["namespace"], row["attributes"])
            self._origins.resources[row["resource_id"]] = found
        for row in self._run("scopes_of", {"ids": scopes}) if scopes else ():
            self._origins.scopes[row["scope_id"]] = ScopeRow(row["name"], row["version"], row["attributes"])

    def _run(self, query: str, parameters: Parameters) -> list[Row]:
        return named_rows(self._cursor.execute(sql(f"read/{query}"), parameters))


def _bounds(commits: CommitRange) -> dict[str, int]:
    return {"from": commits.first, "to": commits.last}


def _trace_of(row: Row) -> TraceAddress:
    return row["trace_hi"], row["trace_lo"]


def _place_of(row: Row) -> tuple[int, int, int]:
    return row["start"], row["span_id"], row["kind"]


def _address(row: Row) -> SpanAddress:
    return row["trace_hi"], row["trace_lo"], row["span_id"]


def _by_span(found: Iterable[tuple[Row, T]]) -> dict[SpanAddress, list[T]]:
    by_span: defaultdict[SpanAddress, list[T]] = defaultdict(list)
    for row, value in found:
        by_span[_address(row)].append(value)
    return by_span


def _attributes(row: Row) -> Attributes:
    return Attributes(row["attributes"] or "{}", row["dropped_attributes"])


def _event(row: Row) -> WholeEvent:
    return WholeEvent(row["time"], row["name"], _attributes(row))


def _link(row: Row) -> WholeLink:
    trace_id = f"{row['linked_trace_hi']:016x}{row['linked_trace_lo']:016x}"
    span_id = f"{row['linked_span_id']:016x}"
    return WholeLink(trace_id, span_id, row["trace_state"], row["flags"], _attributes(row))


def _span(
    row: Row,
    events: tuple[WholeEvent, ...],
    links: tuple[WholeLink, ...],
    resource: ResourceRow,
    scope: ScopeRow,
) -> WholeSpan:
    return WholeSpan(
        trace_id=f"{row['trace_hi']:016x}{row['trace_lo']:016x}",
        span_id=f"{row['span_id']:016x}",
        parent_id=f"{row['parent_id']:016x}" if row["parent_id"] else None,
        trace_state=row["trace_state"],
        flags=row["flags"],
        name=row["name"],
        kind=row["kind"],
        start=row["start"],
        duration=row["duration"],
        status=row["status"],
        status_message=row["status_message"],
        promoted={column: row[column] for column in _COLUMNS if row[column] is not None},
        attributes=_attributes(row),
        events=events,
        dropped_events=row["dropped_events"],
        links=links,
        dropped_links=row["dropped_links"],
        resource=resource,
        scope=scope,
    )
