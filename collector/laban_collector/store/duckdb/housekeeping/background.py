"""The threads that work on a database while a collector writes to it."""

from collections.abc import Callable

from laban_collector.store.base import Deleted, NameLimits, Profiler, RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.durability.saved_metadata import MetadataThread
from laban_collector.store.duckdb.edges.counting_thread import EdgeCountingThread
from laban_collector.store.duckdb.housekeeping.retention import RetentionThread
from laban_collector.store.duckdb.housekeeping.verification import VerificationThread, Verifier
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import DigestThread
from laban_collector.store.duckdb.profiles.counter import ProfileCounter
from laban_collector.store.duckdb.totals.counter import TotalsCounter


class Background:
    """Counts edges, computes digests, verifies the file, and deletes the oldest spans.

    Args:
        database: open for writing.
        commit_ranges: of the same database.
        limits: the retention limits.
        deleted: called after each retention run that deleted spans.
        names: the names that graphs distinguish in an hour.
        verifier: of the same database.
        profiler: counts what traces look like; None: profiles are not kept.
        series: edges that the totals for metrics tell apart; 0: totals are not kept.

    Attributes:
        edges: counts calls and messages as spans arrive.
        totals: keeps the totals for metrics; None: nothing does.
    """

    def __init__(
        self,
        database: Database,
        commit_ranges: CommitRanges,
        limits: RetentionLimits,
        deleted: Callable[[Deleted], None],
        names: NameLimits,
        verifier: Verifier,
        profiler: Profiler | None = None,
        series: int = 0,
    ) -> None:
        self.totals = TotalsCounter(series) if series else None
        profiles = None if profiler is None else ProfileCounter(database, commit_ranges, profiler)
        self.edges = EdgeCountingThread(database, commit_ranges, names, profiles=profiles, totals=self.totals)
        self._newest = commit_ranges.newest
        limited = limits != RetentionLimits()
        retention = [RetentionThread(database, limits, deleted)] if limited else []
        self._periodic = [
            DigestThread(database, commit_ranges),
            VerificationThread(verifier),
            MetadataThread(database),
            *retention,
        ]

    def start(self, sequence: int) -> None:
        """Start the threads; `sequence` is the sequence of the newest commit.

        Raises:
            StoreError: DuckDB refused.
        """
        self.edges.start(sequence)
        for thread in self._periodic:
            thread.start()

    def stored(self, sequence: int, spans: int, awaited: bool) -> None:  # noqa: FBT001 - called by position
        """Record a stored commit; see `EdgeCountingThread.stored`."""
        self._newest.stored(sequence)
        self.edges.stored(sequence, spans, awaited)

    def stop(self) -> None:
        """Count the remaining spans unless there are very many, and end the threads."""
        self.edges.stop()
        for thread in self._periodic:
            thread.stop()
