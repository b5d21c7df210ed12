"""Limits the event types and versions that are counted of an edge in an hour.

Senders may make up new ones without end. The first ones of an hour are counted as they are, later ones as one
other contract, as in `name_limits.py`.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import logging
from collections import OrderedDict
from typing import Final

import duckdb
import pyarrow as pa

from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.edges.name_limits import NamesOfHour
from laban_collector.store.rows import OTHER_CONTRACTS

_log = logging.getLogger(__name__)

CONTRACTS: Final = 20
"""Event types and versions that are counted of an edge in an hour."""
_HOURS: Final = 8
"""Hours whose contracts are kept in memory; those of other hours are read again."""
_REFUSED: Final = pa.schema({"hour": pa.int64(), "edge": pa.string(), "contract": pa.uint64()})


class ContractLimiter:
    """Replaces the contracts beyond the limit in changes of `contracts`. Only one thread may use it.

    Args:
        most: contracts of an edge in an hour.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._hours: OrderedDict[int, NamesOfHour] = OrderedDict()

    def limited(self, cursor: duckdb.DuckDBPyConnection, changes: pa.Table) -> pa.Table:
        """Return changes of `contracts` without the contracts beyond the limits of their edges and hours."""
        if not changes.num_rows:
            return changes
        cursor.register("contract_changes", changes)
        hours, unknown = self._hours_to_check(cursor)
        refused = self._refused(cursor, hours, unknown) if hours else []
        while len(self._hours) > _HOURS:
            self._hours.popitem(last=False)
        if not refused:
            return changes
        cursor.register("contract_refused", pa.Table.from_pylist(refused, _REFUSED))
        return cursor.execute(sql("edges/limited_contracts"), {"other": OTHER_CONTRACTS}).to_arrow_table()

    def _hours_to_check(self, cursor: duckdb.DuckDBPyConnection) -> tuple[list[int], list[int]]:
        """Return the hours of the changes that may exceed a limit, and those of them that must be read.

        An hour with few rows cannot have many contracts.
        """
        rows = dict(cursor.execute(sql("edges/rows_of_changed_contract_hours")).fetchall())
        unknown = [hour for hour in rows if hour not in self._hours]
        full: set[int] = set()
        if unknown:
            window = {"hours": unknown, "first": min(unknown), "last": max(unknown), "other": OTHER_CONTRACTS}
            found = cursor.execute(sql("edges/rows_of_contract_hours"), window).fetchall()
            rows |= {hour: rows[hour] + number for hour, number, _ in found}
            full = {hour for hour, _, has_others in found if has_others}
        unknown = [hour for hour in unknown if hour in full or rows[hour] > self._most]
        for hour in unknown:
            self._hours[hour] = NamesOfHour()
        known = [hour for hour in rows if hour in self._hours]
        for hour in known:
            self._hours.move_to_end(hour)
        return known, unknown

    def _refused(
        self, cursor: duckdb.DuckDBPyConnection, hours: list[int], unknown: list[int]
    ) -> list[dict[str, object]]:
        """Add contracts to their hours, and return those for which there is no room."""
        window = {"first": min(hours), "last": max(hours), "other": OTHER_CONTRACTS}
        parameters = {**window, "hours": hours, "unknown": unknown}
        found = cursor.execute(sql("edges/distinct_contracts"), parameters).fetchall()
        refused: list[dict[str, object]] = []
        newly_full = 0
        for hour, edge, contract, is_stored, is_other in found:
            of_hour = self._hours[hour]
            if is_other:
                of_hour.full.add(edge)
            elif is_stored:
                of_hour.names[edge].add(contract)
            else:
                was_full = edge in of_hour.full
                if not of_hour.takes(edge, contract, self._most):
                    refused.append({"hour": hour, "edge": edge, "contract": contract})
                    newly_full += not was_full
        if newly_full:
            _log.warning(
                "%d edges have more than %d event types and versions in an hour: "
                "the map counts the others together.",
                newly_full,
                self._most,
            )
        return refused
