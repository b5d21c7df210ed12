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
from laban_collector.store.duckdb.profiles.sampling import IMPORTED, PLENTY, Budget, Candidate, Sampler
from laban_collector.store.duckdb.profiles.slices import Slices
from laban_collector.store.rows import ProfileCount, ProfileStep, plausible_starts

_log = logging.getLogger(__name__)

DELAY: Final = 30 * 10**9
"""ns between a commit and the count of its traces, whose last spans may come later."""
STEP: Final = 600_000
"""Maximum number of spans whose traces are chosen from at once, unless a commit has more."""
_NEAR: Final = 120_000
"""Spans that are so near to each other that it does not matter which of them are read."""
_CANDIDATES: Final = 20_000
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
        self._budget = Budget(clock())
        self._limits = HourLimits()
        self._slices = Slices(database)
        self._touched: set[int] = set()

    def count_next(self, delay: int = DELAY, *, imported: bool = False) -> bool:
        """Count traces of the next commits; return whether there were any.

        Args:
            delay: how old the commits are at least, ns.
            imported: whether an import waits for it, and nothing else has to be done at the same time: then
                more traces are counted, drawn from all of them.

        Raises:
            StoreError: DuckDB refused; earlier counts stay.
        """
        found = self._next(delay, imported=imported)
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
        """Add up what was counted in parts, and make the oldest slices longer if there are too many.

        Raises:
            StoreError: DuckDB refused; the counts stay in parts.
        """
        self._slices.compact(self._touched)
        self._touched.clear()

    def _next(self, delay: int, *, imported: bool) -> _Round | None:
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
            limits["drawn"] = imported or spans <= _NEAR
            rows = cursor.execute(sql("profiles/candidates"), {**commits, **limits}).fetchall()
        candidates = [Candidate(*row) for row in rows]
        most = IMPORTED if imported else self._budget.of(spans, self._clock())
        chosen = self._sampler.choose(candidates, most)
        self._budget.spend(sum(one.spans for one in chosen))
        return _Round(first, last, CommitRange(near, after), chosen)

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
