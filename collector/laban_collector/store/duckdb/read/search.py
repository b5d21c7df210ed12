"""Searches traces by what their spans are.

A search has any number of conditions, so no `.sql` file can hold it: it is built of DuckDB's expressions, in
which every value is a constant and is never read as SQL. The window is searched backward in slices until
enough traces are found, and at most `MOST_SEARCHED` spans of it.
"""

from collections.abc import Sequence
from functools import reduce
from operator import and_
from typing import Final

import duckdb
from duckdb import ColumnExpression, ConstantExpression, Expression, FunctionExpression

from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index.commit_ranges import Part
from laban_collector.store.duckdb.read.rows import Row, named_rows, newest_traces
from laban_collector.store.duckdb.read.search_tags import Tags, any_of, ids_among
from laban_collector.store.rows import MINUTE, TraceRef
from laban_collector.store.searches import FoundTraces, SpanSearch

MOST_SEARCHED: Final = 10_000_000
"""Spans that one search reads."""
_MANY: Final = 65_536
"""The most resources of a service, and the most that have a tag."""
_FIRST_SLICE: Final = MINUTE
_LONGER: Final = 8
"""How much of a window is searched at first, in ns, and by what factor each further slice is longer."""

_start: Final = ColumnExpression("start")


class TraceSearch:
    """One search in one state of the store.

    Args:
        cursor: in a transaction.
        search: what is looked for.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, search: SpanSearch) -> None:
        self._cursor = cursor
        self._search = search

    def newest(self, limit: int) -> FoundTraces:
        """Return the traces with the newest spans that fit."""
        fitting = self._fitting()
        found: dict[str, TraceRef] = {}
        begin, length, left = self._search.until, _FIRST_SLICE, MOST_SEARCHED
        while fitting is not None and len(found) < limit and begin > self._search.since:
            if left <= 0:
                return FoundTraces(list(found.values()), begin)
            end, begin = begin, max(self._search.since, begin - length)
            spans = self._spans_between(begin, end)
            if spans > left:
                begin = end - max((end - begin) * left // spans, 1)
            left -= spans
            for ref in self._traces(fitting & _between(begin, end), limit):
                found.setdefault(ref.trace_id, ref)
            length *= _LONGER
        return FoundTraces(list(found.values())[:limit])

    def among(self, parts: Sequence[Part], limit: int) -> FoundTraces:
        """Return those of some traces that have a span that fits.

        Args:
            parts: the commits that may hold the traces; their keys are the low halves of trace ids.
            limit: maximum number of traces, the newest.
        """
        fitting = self._fitting()
        if fitting is None:
            return FoundTraces([])
        within = fitting & _between(self._search.since, self._search.until)
        arrival = ColumnExpression("arrival")
        found: list[Row] = []
        for commits, keys in parts:
            of_part = arrival.between(ConstantExpression(commits.first), ConstantExpression(commits.last))
            found += self._rows(of_part & ids_among("trace_lo", keys) & within, limit)
        return FoundTraces(newest_traces(found, limit))

    def _traces(self, condition: Expression, limit: int) -> list[TraceRef]:
        return newest_traces(self._rows(condition, limit), limit)

    def _rows(self, condition: Expression, limit: int) -> list[Row]:
        found = (
            self._cursor.table("spans")
            .filter(condition)
            .aggregate(
                "trace_hi, trace_lo, epoch_ns(min(start)) AS first_ns, epoch_ns(max(start)) AS last_ns",
                "trace_hi, trace_lo",
            )
            .order("last_ns DESC, trace_hi, trace_lo")
            .limit(limit)
        )
        return [
            {"trace_hi": high, "trace_lo": low, "first_ns": first, "last_ns": last, "named": True}
            for high, low, first, last in found.fetchall()
        ]

    def _spans_between(self, begin: int, end: int) -> int:
        window = {"since": begin, "until": end}
        [(spans,)] = self._cursor.execute(sql("read/spans_between"), window).fetchall()
        return int(spans)

    def _fitting(self) -> Expression | None:
        """Return the condition for a span, without its start; None: no span fits."""
        search = self._search
        duration = ColumnExpression("duration")
        conditions: list[Expression | None] = [duration >= ConstantExpression(search.shortest)]
        if search.longest is not None:
            conditions.append(duration <= ConstantExpression(search.longest))
        if search.operation is not None:
            conditions.append(ColumnExpression("name") == ConstantExpression(search.operation))
        if search.service is not None:
            asked = {"service": search.service, "limit": _MANY}
            rows = named_rows(self._cursor.execute(sql("read/resources_of_service"), asked))
            conditions.append(any_of([ids_among("resource_id", (row["resource_id"] for row in rows))]))
        tags = Tags(self._cursor, search.since, _MANY)
        conditions += [tags.condition(tag) for tag in search.tags]
        known = [condition for condition in conditions if condition is not None]
        return reduce(and_, known) if len(known) == len(conditions) else None


def _between(begin: int, end: int) -> Expression:
    return (_start >= _time(begin)) & (_start < _time(end))


def _time(ns: int) -> Expression:
    return FunctionExpression("make_timestamp_ns", ConstantExpression(ns))
