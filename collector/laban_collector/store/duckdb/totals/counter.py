"""Adds what each counting step changes to the running totals, in the transaction of the step."""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import duckdb
import msgspec
import pyarrow as pa

from laban_collector.store.duckdb.connection.sql import run_with, sql
from laban_collector.store.duckdb.totals.changes import Amounts, Change, EdgePart
from laban_collector.store.duckdb.totals.naming import SeriesNames
from laban_collector.store.duckdb.totals.table import Histogram, Series, SeriesTable
from laban_collector.store.duckdb.totals.unsettled import SETTLE, UnsettledChanges
from laban_collector.store.edge_totals import EdgeTotal, EdgeTotals, SeriesKey

Row = tuple[Any, ...]

_NO_STEP: Final = 0
"""The step of the losses that nothing has made up for."""
_UNSETTLED: Final = pa.schema(
    {
        "step": pa.uint64(),
        "source": pa.string(),
        "target": pa.string(),
        "address": pa.string(),
        "rpc_service": pa.string(),
        "flow": pa.string(),
        "part": pa.string(),
        "is_async": pa.bool_(),
        "bound": pa.uint8(),
        "calls": pa.int64(),
        "errors": pa.int64(),
        "timed": pa.int64(),
        "elapsed": pa.int64(),
    }
)
_TOTALS: Final = pa.schema(
    {
        **dict.fromkeys(SeriesKey._fields, pa.string()),
        **dict.fromkeys(("last", "calls", "errors"), pa.int64()),
        "histograms": pa.binary(),
    }
)


class TotalsCounter:
    """The running totals of one database. Only the counting thread may use it; anyone may read `totals`.

    Args:
        most: edges that are told apart.
        clock: monotonic seconds.
        now: seconds since the epoch.

    Attributes:
        totals: as they are stored.
    """

    def __init__(
        self,
        most: int,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._most = most
        self._clock = clock
        self._now = now
        self._unsettled: UnsettledChanges | None = None
        """None: what is stored has to be read first."""
        self._names = SeriesNames()
        self._table = SeriesTable(most)
        self._frozen: dict[SeriesKey, EdgeTotal] = {}
        self.totals = EdgeTotals()

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read what is stored, unless it is in memory already."""
        if self._unsettled is not None:
            return
        self._unsettled, self._table, self._frozen = UnsettledChanges(), SeriesTable(self._most), {}
        for row in cursor.execute(sql("totals/totals")).fetchall():
            key, histograms = SeriesKey(*row[:4]), msgspec.msgpack.decode(row[7])
            self._table.load(key, Series(*row[4:7], *(Histogram(*one) for one in histograms)))
            self._frozen[key] = self._table.series[key].frozen(key)
        steps: dict[int, dict[EdgePart, Amounts]] = {}
        for step, *rest in cursor.execute(sql("totals/unsettled")).fetchall():
            steps.setdefault(step, {})[EdgePart(*rest[:8])] = Amounts(*rest[8:])
        for step, changes in sorted(steps.items()):
            self._learn(changes)
            self._unsettled.add(step, changes, self._clock() + SETTLE)
        self._publish()

    @property
    def time_left(self) -> float | None:
        """Seconds until changes are settled; None: there are none."""
        if self._unsettled is None:
            return 0  # to read them again
        if self._unsettled.due is None:
            return None
        return max(self._unsettled.due - self._clock(), 0)

    def store(self, cursor: duckdb.DuckDBPyConnection, step: int, changes: Sequence[Change]) -> None:
        """Add the changes of a step, and what is settled to the totals; call `stored` after the transaction.

        Args:
            cursor: in the transaction of the step.
            step: the last commit of the step; 0: there is none, but time has passed.
            changes: of the step.
        """
        unsettled = self._loaded()
        self._names.learn(changes, self._clock())
        owed, taken = dict(unsettled.owed), unsettled.taken
        gains: Mapping[EdgePart, Amounts] = {}
        if changes:
            due = self._clock() + SETTLE
            gains = unsettled.add(step, {one.about: one.amounts for one in changes}, due)
        settled = unsettled.take(self._clock())
        self._table.add(
            (
                (share, amounts, about.bound)
                for about, amounts in settled.items()
                for share in self._names.shares(about)
            ),
            int(self._now()),
        )
        self._store_unsettled(cursor, step, gains, owed, has_settled=unsettled.taken != taken)
        self._store_totals(cursor)

    def stored(self) -> None:
        """Publish the totals: the transaction was committed."""
        table = self._table
        for key in table.changed:
            self._frozen[key] = table.series[key].frozen(key)
        for key in table.removed:
            self._frozen.pop(key, None)
        if table.changed or table.removed:
            table.changed.clear()
            table.removed.clear()
            self._publish()

    def undone(self) -> None:
        """Forget what is in memory: the transaction was not committed."""
        self._unsettled = None

    def _publish(self) -> None:
        self.totals = EdgeTotals(list(self._frozen.values()), self._table.left_out, self.totals.version + 1)

    def _learn(self, changes: Mapping[EdgePart, Amounts]) -> None:
        self._names.learn(
            (Change(about, amounts, False) for about, amounts in changes.items()), self._clock()
        )

    def _loaded(self) -> UnsettledChanges:
        assert self._unsettled is not None  # noqa: S101 - for mypy: `load` comes first
        return self._unsettled

    def _store_unsettled(
        self,
        cursor: duckdb.DuckDBPyConnection,
        step: int,
        gains: Mapping[EdgePart, Amounts],
        owed_before: Mapping[EdgePart, Amounts],
        *,
        has_settled: bool,
    ) -> None:
        unsettled = self._loaded()
        new = [(step, *about, *amounts) for about, amounts in gains.items()]
        if unsettled.owed != owed_before:
            cursor.execute(sql("totals/delete_step"), {"step": _NO_STEP})
            new += [(_NO_STEP, *about, *amounts) for about, amounts in unsettled.owed.items()]
        if has_settled:
            cursor.execute(sql("totals/delete_settled"), {"taken": unsettled.taken})
        _insert(cursor, "totals/insert_unsettled", "new_unsettled", new, _UNSETTLED)

    def _store_totals(self, cursor: duckdb.DuckDBPyConnection) -> None:
        table = self._table
        keys = pa.schema([_TOTALS.field(name) for name in SeriesKey._fields])
        _insert(cursor, "totals/delete_totals", "old_totals", [*table.changed, *table.removed], keys)
        rows = [_total_row(key, table.series[key]) for key in table.changed]
        _insert(cursor, "totals/insert_totals", "new_totals", rows, _TOTALS)


def _total_row(key: SeriesKey, series: Series) -> Row:
    histograms = [(one.elapsed, one.counts) for one in (series.served, series.called, series.queued)]
    return (*key, series.last, series.calls, series.errors, msgspec.msgpack.encode(histograms))


def _insert(
    cursor: duckdb.DuckDBPyConnection, statement: str, name: str, rows: Sequence[Row], schema: pa.Schema
) -> None:
    """Run a statement with rows as a table; nothing without rows."""
    if rows:
        columns = [
            pa.array(column, field.type)
            for column, field in zip(zip(*rows, strict=True), schema, strict=True)
        ]
        run_with(cursor, statement, name, pa.Table.from_arrays(columns, schema=schema))
