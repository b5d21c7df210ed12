"""Counts calls and messages by edge and minute as spans arrive, so that graphs need not read spans.

The counts equal those of a graph computed from all spans, for any order of arrival: each commit is counted
with its changes to earlier counts (see query.py). Commits are counted after they are stored. The sequence of
the last counted commit is stored with the counts, in the same transaction."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

import duckdb
import pyarrow as pa

from laban_collector.store.base import DEFAULT_NAMES, NameLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import run_with, sql
from laban_collector.store.duckdb.edges.contract_limits import CONTRACTS, ContractLimiter
from laban_collector.store.duckdb.edges.name_limits import NameLimiter
from laban_collector.store.duckdb.edges.query import EdgeQuery
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.totals.changes import Change, changes_of, without_totals
from laban_collector.store.duckdb.totals.counter import TotalsCounter

STEP: Final = 600_000
"""Maximum number of spans that are counted at once, unless a commit has more; limits the memory."""
_AT_ONCE: Final = 100_000
"""Rows that are added up at once; limits the memory."""


class EdgeCounter:
    """Counts the stored commits that are not counted yet. Only one thread may use it.

    Args:
        database: open for writing.
        commit_ranges: of the same database.
        step: maximum number of spans that are counted at once, unless a commit has more.
        names: the names that are counted in an hour.
        contracts: event types and versions that are counted of an edge in an hour.
        totals: keeps the totals for metrics; None: nothing does.
    """

    def __init__(
        self,
        database: Database,
        commit_ranges: CommitRanges,
        step: int = STEP,
        names: NameLimits = DEFAULT_NAMES,
        contracts: int = CONTRACTS,
        totals: TotalsCounter | None = None,
    ) -> None:
        self._database = database
        self._commit_ranges = commit_ranges
        self._step = step
        self._limiter = NameLimiter(names)
        self._contract_limiter = ContractLimiter(contracts)
        self._totals = totals
        self._touched: set[int] = set()

    @property
    def others(self) -> Mapping[str, int]:
        """The calls that were counted for other nodes since the start, by node."""
        return self._limiter.calls

    def counted(self) -> int:
        """Return the last counted commit.

        Raises:
            StoreError: DuckDB refused.
        """
        with self._database.reading() as cursor:
            return _counted(cursor)

    def uncounted(self) -> int:
        """Return the number of uncounted spans.

        Raises:
            StoreError: DuckDB refused.
        """
        with self._database.reading() as cursor:
            [(spans,)] = cursor.execute(sql("edges/uncounted"), {"counted": _counted(cursor)}).fetchall()
        return int(spans)

    def count_next(self) -> int | None:
        """Count the next commits, and return the last of them; None if all are counted.

        Raises:
            StoreError: DuckDB refused; earlier counts stay.
        """
        with self._database.reading() as cursor:
            counted = _counted(cursor)
            bounds = {"counted": counted, "most": self._step}
            [(last, _)] = cursor.execute(sql("edges/next_commits"), bounds).fetchall()
            if last is None:
                return None
            query = EdgeQuery(cursor, self._commit_ranges)
            query.add_commits(counted + 1, last, totals=self._totals is not None)
            changes, met, unmet = query.changes(), query.met_links(), query.unmet_links()
            for_totals: list[Change] = []
            if self._totals is not None:
                self._totals.load(cursor)
                for_totals = changes_of(cursor, changes)
                changes = without_totals(changes)
            edges, contracts = _split(cursor, self._limiter.limited(cursor, changes))
            contracts = self._contract_limiter.limited(cursor, contracts)
        with self._writing_totals() as cursor:
            run_with(cursor, "edges/insert_edges", "new_edges", edges)
            if contracts.num_rows:
                run_with(cursor, "edges/insert_contracts", "new_contracts", contracts)
            run_with(cursor, "edges/delete_unmet_links", "met_links", met)
            run_with(cursor, "edges/insert_unmet_links", "new_unmet_links", unmet)
            cursor.execute(sql("edges/set_counted"), {"counted": last})
            if self._totals is not None:
                self._totals.store(cursor, last, for_totals)
        self._touched.update(changes["minute"].unique().to_pylist())
        return int(last)

    def load_totals(self) -> None:
        """Read the stored totals.

        Raises:
            StoreError: DuckDB refused.
        """
        if self._totals is not None:
            with self._database.reading() as cursor:
                self._totals.load(cursor)

    def settle_totals(self) -> None:
        """Add the changes that time has settled to the totals.

        Raises:
            StoreError: DuckDB refused; the totals stay as they were.
        """
        if self._totals is not None:
            self.load_totals()
            with self._writing_totals() as cursor:
                self._totals.store(cursor, 0, [])

    @contextmanager
    def _writing_totals(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """Yield a cursor that writes; the totals are those that were committed."""
        try:
            with self._database.writing() as cursor:
                yield cursor
        except BaseException:
            if self._totals is not None:
                self._totals.undone()
            raise
        if self._totals is not None:
            self._totals.stored()

    def compact(self) -> None:
        """Add up the counts of minutes that were counted in parts.

        Raises:
            StoreError: DuckDB refused; the counts stay in parts.
        """
        for part in self._parts() if self._touched else ():
            with self._database.writing() as cursor:
                minutes = {"minutes": part}
                cursor.execute(sql("edges/add_up_minutes"), minutes)
                cursor.execute(sql("edges/delete_minutes"), minutes)
                cursor.execute(sql("edges/insert_added_up"))
                cursor.execute(sql("edges/add_up_contracts"), minutes)
                cursor.execute(sql("edges/delete_contracts"), minutes)
                cursor.execute(sql("edges/insert_added_up_contracts"))
            self._touched.difference_update(part)

    def _parts(self) -> list[list[int]]:
        """Return the minutes that were counted in parts, in groups that fit into the memory."""
        with self._database.reading() as cursor:
            touched = {"minutes": sorted(self._touched)}
            rows = cursor.execute(sql("edges/rows_of_minutes"), touched).fetchall()
        parts: list[list[int]] = []
        room = 0
        for minute, number in rows:
            if number > room or not parts:
                parts.append([])
                room = _AT_ONCE
            parts[-1].append(minute)
            room -= number
        return parts


def _split(cursor: duckdb.DuckDBPyConnection, changes: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Return the changes of `edges`, and those of `contracts`."""
    if all(changes[name].null_count == changes.num_rows for name in ("event_type", "version")):
        edges = changes.drop_columns(["event_type", "version"])
        return edges, changes.slice(0, 0)
    cursor.register("edge_changes", changes)
    edges = cursor.execute(sql("edges/changed_edges")).to_arrow_table()
    return edges, cursor.execute(sql("edges/changed_contracts")).to_arrow_table()


def _counted(cursor: duckdb.DuckDBPyConnection) -> int:
    [(counted,)] = cursor.execute(sql("edges/counted")).fetchall()
    return int(counted)
