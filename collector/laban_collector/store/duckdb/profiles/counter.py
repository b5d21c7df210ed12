"""Counts what a sample of the stored traces looks like, as spans arrive, for the profiles of their entries.

A trace is counted with the commit that holds its root, some time after it: by then its other spans have come.
The sequence of the last commit whose traces are counted is stored with the counts, in the same transaction.
"""

# pyright: reportUnknownParameterType=false
# pyarrow ships no types: its tables are unknown to pyright wherever they are passed.

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa

from laban_collector.errors import StoreError
from laban_collector.store.base import Profiler
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import run_with, sql
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.keys import CommitRange
from laban_collector.store.duckdb.profiles.name_limits import HourLimits
from laban_collector.store.duckdb.profiles.round_reader import RoundReader
from laban_collector.store.duckdb.profiles.sampling import PLENTY, Candidate, Sampler
from laban_collector.store.rows import MINUTE, ProfileCount, ProfileStep, plausible_starts

_log = logging.getLogger(__name__)

DELAY: Final = 30 * 10**9
"""ns between a commit and the count of its traces, whose last spans may come later."""
STEP: Final = 600_000
"""Maximum number of spans whose traces are chosen from at once, unless a commit has more."""
FEWEST: Final = 1_500
"""Spans of counted traces in a step, if so many arrived."""
SHARE: Final = 250
"""One of so many spans is counted if that is more."""
_CANDIDATES: Final = 20_000
_HOUR: Final = 60
_SHORT: Final = 2 * _HOUR
"""Minutes after which the counts of an hour are kept together."""
_AT_ONCE: Final = 100_000
"""Rows that are added up at once; limits the memory."""
_COUNTS: Final = pa.schema(
    {
        "minute": pa.int64(),
        "minutes": pa.int32(),
        "entry": pa.uint64(),
        "step": pa.uint64(),
        "measure": pa.uint8(),
        "buckets": pa.list_(pa.int32()),
        "counts": pa.list_(pa.int64()),
    }
)
_STEPS: Final = pa.schema(
    {
        "step": pa.uint64(),
        "above": pa.uint64(),
        "entry": pa.uint64(),
        "service": pa.string(),
        "namespace": pa.string(),
        "operation": pa.string(),
        "kind": pa.string(),
        "consumer_group": pa.string(),
    }
)


class _Round(NamedTuple):
    """Commits, and the traces of them that are counted.

    Attributes:
        first: the first commit.
        last: the last commit.
        around: the commits in which the spans of these traces are looked for.
        chosen: the traces.
    """

    first: int
    last: int
    around: CommitRange
    chosen: Sequence[Candidate]


class ProfileCounter:
    """Counts the traces of the stored commits that are not counted yet. Only one thread may use it.

    Args:
        database: open for writing.
        commit_ranges: of the same database.
        profiler: counts what traces look like.
        clock: ns since the epoch.
        step: maximum number of spans that are chosen from at once, unless a commit has more.
    """

    def __init__(
        self,
        database: Database,
        commit_ranges: CommitRanges,
        profiler: Profiler,
        clock: Callable[[], int] = time.time_ns,
        step: int = STEP,
    ) -> None:
        self._database = database
        self._reader = RoundReader(database, commit_ranges=commit_ranges)
        self._profiler = profiler
        self._clock = clock
        self._step = step
        self._sampler = Sampler()
        self._limits = HourLimits()
        self._touched: set[int] = set()

    def count_next(self, delay: int = DELAY) -> bool:
        """Count traces of the next commits that are older than a delay in ns; return whether there were any.

        Raises:
            StoreError: DuckDB refused; earlier counts stay.
        """
        found = self._next(delay)
        if found is None:
            return False
        steps, counts = self._limits.limited(*self._profile(found))
        with self._database.writing() as cursor:
            run_with(cursor, "profiles/insert_steps", "new_steps", _steps_table(steps))
            run_with(cursor, "profiles/insert_counts", "new_counts", _counts_table(counts))
            cursor.execute(sql("profiles/set_profiled"), {"profiled": found.last})
        self._touched.update(count.minute for count in counts)
        return True

    def oldest(self) -> int | None:
        """Return when the first uncounted commit was stored, ns; None if all are counted.

        Raises:
            StoreError: DuckDB refused.
        """
        with self._database.reading() as cursor:
            profiled = {"profiled": _profiled(cursor)}
            [(stored,)] = cursor.execute(sql("profiles/oldest_after"), profiled).fetchall()
        return None if stored is None else int(stored)

    def compact(self) -> None:
        """Add up the counts of minutes that were counted in parts, and those of older minutes by hour.

        Raises:
            StoreError: DuckDB refused; the counts stay in parts.
        """
        recent = self._clock() // MINUTE // _HOUR * _HOUR - _SHORT
        for first, last in self._slices(_HOUR, 0, recent - 1):
            self._add_up(first // _HOUR * _HOUR, last // _HOUR * _HOUR + _HOUR - 1, _HOUR)
        minutes = sorted(minute for minute in self._touched if minute >= recent)
        for minute in minutes:
            self._add_up(minute, minute, 1)
        self._touched.clear()

    def _next(self, delay: int) -> _Round | None:
        with self._database.reading() as cursor:
            profiled = _profiled(cursor)
            bounds = {"profiled": profiled, "until": self._clock() - delay, "most": self._step}
            [(first, last, spans)] = cursor.execute(sql("profiles/next_commits"), bounds).fetchall()
            if last is None:
                return None
            around = {"first": first, "last": last, "before": STEP // 4, "after": STEP // 2}
            [(near, after)] = cursor.execute(sql("profiles/commits_around"), around).fetchall()
            since, until = plausible_starts(self._clock())
            commits = {"first": first, "last": last, "near": near, "after": after}
            limits = {"since": since, "until": until, "most": PLENTY, "limit": _CANDIDATES}
            rows = cursor.execute(sql("profiles/candidates"), {**commits, **limits}).fetchall()
        candidates = [Candidate(*row) for row in rows]
        return _Round(
            first,
            last,
            CommitRange(near, after),
            self._sampler.choose(candidates, max(FEWEST, spans // SHARE)),
        )

    def _profile(self, found: _Round) -> tuple[Sequence[ProfileStep], Sequence[ProfileCount]]:
        traces = [one.trace_id for one in found.chosen]
        if not traces:
            return (), ()
        self._reader.read_only_in(found.around)
        try:
            with self._reader.at_one_moment():
                return self._profiler(self._reader, traces)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - the same traces would fail again, and no later one would be counted
            _log.exception(
                "What the traces of the commits %d to %d look like is not counted.", found.first, found.last
            )
            return (), ()

    def _slices(self, minutes: int, first: int, last: int) -> list[tuple[int, int]]:
        """Return the first and last minute of ranges with short slices that have some number of rows."""
        with self._database.reading() as cursor:
            window = {"minutes": minutes, "first": first, "last": last}
            rows = cursor.execute(sql("profiles/minutes_to_add_up"), window).fetchall()
        found: list[tuple[int, int]] = []
        total = 0
        for minute, number in rows:
            same = found and found[-1][1] // minutes == minute // minutes
            if found and (same or total + number <= _AT_ONCE):
                found[-1] = (found[-1][0], minute)
            else:
                found.append((minute, minute))
                total = 0
            total += number
        return found

    def _add_up(self, first: int, last: int, minutes: int) -> None:
        with self._database.writing() as cursor:
            window = {"first": first, "last": last, "minutes": minutes}
            cursor.execute(sql("profiles/add_up_counts"), window)
            cursor.execute(sql("profiles/delete_counts"), window)
            cursor.execute(sql("profiles/insert_added_up"))


def _profiled(cursor: duckdb.DuckDBPyConnection) -> int:
    [(profiled,)] = cursor.execute(sql("profiles/profiled")).fetchall()
    return int(profiled)


def _steps_table(steps: Sequence[ProfileStep]) -> pa.Table:
    rows = [{**step._asdict(), "consumer_group": step.group} for step in steps]
    return pa.Table.from_pylist(rows, schema=_STEPS)


def _counts_table(counts: Sequence[ProfileCount]) -> pa.Table:
    rows = [
        {
            **count._asdict(),
            "buckets": [bucket for bucket, _ in count.buckets],
            "counts": [number for _, number in count.buckets],
        }
        for count in counts
    ]
    return pa.Table.from_pylist(rows, schema=_COUNTS)
