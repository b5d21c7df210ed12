"""Limits the distinct names that are counted in an hour: senders may make up new ones without end.

A name is one of the texts of a row of `edges`: a service, a topic, a host … The first names of an hour are
counted as they are. Calls of later ones are counted under one other name for each kind, so that all calls
stay counted.

The names of an hour are those in its rows, so a restart changes nothing. Once a name is refused, the hour
takes no more names of its kind: a count that is corrected later is found where it was made. Spans are stored
as they came.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import logging
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

import duckdb
import pyarrow as pa

from laban_collector.store.base import NameLimits
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.rows import OTHER_EDGES, OTHERS

_log = logging.getLogger(__name__)

_HOURS: Final = 8
"""Hours whose names are kept in memory; those of other hours are read again. Late spans are rare."""
_NAMES_IN_ROW: Final = 2
"""Maximum number of names of one kind in a row: source and target."""
_NAMES: Final = pa.schema(
    {"hour": pa.int64(), "kind": pa.string(), "name": pa.string(), "instead": pa.string()}
)
_EDGES: Final = pa.schema({"hour": pa.int64(), "edge": pa.uint64()})

Name = str | int
_Found = tuple[int, str, Name, bool]
"""Hour, kind, name, and whether it is stored."""

NOTHING: Final = ""
"""Stands for addresses, RPC services and protocols beyond the limit; spans cannot have it."""
_FLOWS: Final = ("sent by ", "consumed by ")
_OTHER_FLOWS: Final = frozenset(f"{flow}other" for flow in _FLOWS)
_KINDS: Final = {name: kind for kind, name in OTHERS.items()}
_LAST_HOUR: Final = 24 * 365 * 8000
"""Python knows no later dates."""


class NamesOfHour:
    """The names that are counted in one hour, by kind, and the kinds that take no more names."""

    def __init__(self) -> None:
        self.names: defaultdict[str, set[Name]] = defaultdict(set)
        self.full: set[str] = set()

    def add_stored(self, kind: str, name: Name) -> None:
        """Add a name that the rows of the hour have."""
        left_out = _kind_left_out(kind, name)
        if left_out is None:
            self.names[kind].add(name)
        else:
            self.full.add(left_out)

    def takes(self, kind: str, name: Name, limit: int) -> bool:
        """Whether a name is counted as it is; a new one is added if there is room."""
        names = self.names[kind]
        if name in names:
            return True
        if kind in self.full or len(names) >= limit:
            self.full.add(kind)
            return False
        names.add(name)
        return True


class NameLimiter:
    """Replaces the names beyond the limits in changes of `edges`. Only one thread may use it.

    Args:
        limits: names of each kind in an hour.

    Attributes:
        calls: calls and messages that were counted under another name, by kind of the name.
    """

    def __init__(self, limits: NameLimits) -> None:
        self._limits = {
            "service": limits.services,
            "topic": limits.topics,
            "group": limits.topics,
            "database": limits.peers,
            "external": limits.peers,
            "address": limits.peers,
            "operation": limits.operations,
            "protocol": limits.operations,
            "flow": limits.edges,
            "edge": limits.edges,
        }
        self._least = min(limits)
        self._hours: OrderedDict[int, NamesOfHour] = OrderedDict()
        self.calls: Counter[str] = Counter()

    def limited(self, cursor: duckdb.DuckDBPyConnection, changes: pa.Table) -> pa.Table:
        """Return changes of `edges` without the names beyond the limits of their hours."""
        if not changes.num_rows:
            return changes
        cursor.register("edge_changes", changes)
        hours, unknown = self._hours_to_check(cursor)
        if not hours:
            return changes
        window = {"hours": hours, "unknown": unknown, "first": min(hours), "last": max(hours)}
        names = self._refused(cursor.execute(sql("edges/distinct_names"), window).fetchall())
        if names:
            table = _table(_NAMES, ((*one, _instead(one[1], str(one[2]))) for one in names))
            changes = _replaced(cursor, "limited_names", table)
        edges = self._refused(cursor.execute(sql("edges/distinct_edges"), window).fetchall())
        if edges:
            table = _table(_EDGES, ((hour, edge) for hour, _, edge in edges))
            changes = _replaced(cursor, "limited_edges", table, {"other": OTHER_EDGES})
        if names or edges:
            self.calls.update(dict(cursor.execute(sql("edges/calls_of_others")).fetchall()))
        while len(self._hours) > _HOURS:
            self._hours.popitem(last=False)
        return changes

    def _hours_to_check(self, cursor: duckdb.DuckDBPyConnection) -> tuple[list[int], list[int]]:
        """Return the hours of the changes that may exceed a limit, and those of them that must be read.

        An hour with few rows cannot have many names. So only busy hours take memory, also if changes are in
        very many hours.
        """
        rows = dict(cursor.execute(sql("edges/rows_of_changed_hours")).fetchall())
        unknown = [hour for hour in rows if hour not in self._hours]
        full: set[int] = set()
        if unknown:
            window = {"hours": unknown, "first": min(unknown), "last": max(unknown)}
            for hour, number, has_others in cursor.execute(sql("edges/rows_of_hours"), window).fetchall():
                rows[hour] += number
                if has_others:
                    full.add(hour)
        unknown = [hour for hour in unknown if hour in full or rows[hour] * _NAMES_IN_ROW > self._least]
        for hour in unknown:
            self._hours[hour] = NamesOfHour()
        known = [hour for hour in rows if hour in self._hours]
        for hour in known:
            self._hours.move_to_end(hour)
        return known, unknown

    def _refused(self, found: Iterable[_Found]) -> list[tuple[int, str, Name]]:
        """Add names to their hours, and return those for which there is no room."""
        refused: list[tuple[int, str, Name]] = []
        for hour, kind, name, is_stored in found:
            names = self._hours[hour]
            if is_stored:
                names.add_stored(kind, name)
            elif (limit := self._limits.get(kind)) is not None:
                was_full = kind in names.full
                if not names.takes(kind, name, limit):
                    refused.append((hour, kind, name))
                    if not was_full:
                        _log_full(hour, kind, limit)
        return refused


def _instead(kind: str, name: str) -> str:
    """Return what is counted instead of a name."""
    if kind == "flow":
        return next(flow for flow in _FLOWS if name.startswith(flow)) + "other"
    return OTHERS.get(kind, NOTHING)


def _kind_left_out(kind: str, name: Name) -> str | None:
    """Return the kind of which names are left out, if a name stands for them."""
    if kind == "other":
        return _KINDS.get(str(name))
    if name == NOTHING or (kind == "flow" and name in _OTHER_FLOWS):
        return kind
    return None


def _replaced(
    cursor: duckdb.DuckDBPyConnection,
    query: str,
    refused: pa.Table,
    parameters: Mapping[str, str] | None = None,
) -> pa.Table:
    """Return the changes with other names, which become the changes for further queries."""
    cursor.register("edge_refused", refused)
    changes = cursor.execute(sql(f"edges/{query}"), parameters).to_arrow_table()
    cursor.register("edge_changes", changes)
    return changes


def _table(schema: pa.Schema, rows: Iterable[Iterable[Name]]) -> pa.Table:
    columns = zip(schema.types, zip(*rows, strict=True), strict=True)
    return pa.Table.from_arrays([pa.array(values, kind) for kind, values in columns], schema=schema)


def _log_full(hour: int, kind: str, limit: int) -> None:
    _log.warning(
        "More than %d names of a kind (%s) in the hour from %s: the map counts the others together.",
        limit,
        kind,
        datetime.fromtimestamp(hour * 3600, UTC).isoformat() if hour < _LAST_HOUR else hour,
    )
