"""Keeps a collector's database: takes batches, compares the ledger, forgets what is old, tells how it is."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import StoreError
from laban_collector.health import Health
from laban_collector.ingest.journal import Journal
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.loader import JournaledWriter
from laban_collector.metrics import Metrics
from laban_collector.store.base import Lag, SpanWriter, Written
from laban_collector.store.duckdb.connection.database import Database, FileSize
from laban_collector.store.duckdb.durability.ledger import LedgerReport
from laban_collector.store.duckdb.durability.quarantine import check_ledger, set_aside
from laban_collector.store.duckdb.edges.counting_thread import EdgeThread
from laban_collector.store.duckdb.housekeeping.retention import Forgotten, Limits, RetentionThread
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import DigestThread
from laban_collector.store.duckdb.write.writer import DuckDBWriter

_log = logging.getLogger(__name__)

_NO_SIZE: Final = FileSize(0, 0, 0)


class StorageService(SpanWriter):
    """Everything about one database but answering questions.

    Args:
        database: open to write.
        limits: what the retention keeps.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self.metrics = Metrics()
        self.database = database
        self._tables = DuckDBWriter(database)
        self._ring: LedgerRing | None = None
        self._report: LedgerReport | None = None
        self._writer: JournaledWriter | None = None
        limited = limits.age is not None or limits.size is not None
        self.commit_ranges = CommitRanges(database)
        self._digests = DigestThread(database)
        self._edges = EdgeThread(database, self.commit_ranges)
        self._retention = RetentionThread(database, limits, self._forgot) if limited else None

    def start(self) -> None:
        """Compare the ledger, load what the journal holds, begin to take batches, to digest and to forget.

        Raises:
            StoreError: DuckDB refused.
            OSError: the ledger's ring, or the journal, cannot be opened.
        """
        journal = Journal(self.database.path)
        left = journal.left()
        self._ring, self._report = check_ledger(self.database, left)
        self._add_gauges(self._report)
        self._edges.start(self._tables.sequence)
        writer = JournaledWriter(self._load, journal, self._ring, self._tables.sequence)
        writer.start(left)
        self._writer = writer
        self._digests.start()
        if self._retention is not None:
            self._retention.start()

    def stop(self) -> None:
        """Load and count what was taken, end all threads, let go of the ledger; after the last batch."""
        if self._writer is not None:
            self._writer.stop()
            self._writer = None
        self._edges.stop()
        self._digests.stop()
        if self._retention is not None:
            self._retention.stop()
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    @property
    def report(self) -> LedgerReport:
        """How the database compared with its ledger; after `start`."""
        if self._report is None:
            raise StoreError(f"{self.database.path}: the storage has not started.")
        return self._report

    def take(self, batch: SpanBatch) -> None:
        """Take a batch; when this returns, it is on disk, and can be asked for after `settle`. After `start`.

        Raises:
            StoreError: nothing of the batch was kept.
        """
        try:
            with self.metrics.commits.time():
                self._running().write(batch)
        except StoreError as error:
            self.metrics.failure = str(error)
            raise
        self.metrics.failure = None

    def write(self, batch: SpanBatch) -> Written:
        """Store a batch in the tables, and tell how much of it was new.

        Raises:
            StoreError: it is not in the tables; where the journal holds it, it will be.
        """
        written = self._running().store(batch)
        self._edges.expect()
        return written

    def write_lag(self, rows: Sequence[Lag]) -> None:
        """Store one poll of the lag poller.

        Raises:
            StoreError: nothing was stored.
        """
        self._tables.write_lag(rows)
        self.metrics.lag_rows.set(len(rows))
        self.metrics.lag_polled.set(time.time())

    def settle(self) -> None:
        """Wait until what is acknowledged by now can be asked for."""
        if self._writer is not None:
            self._writer.settle()

    @property
    def flooded(self) -> bool:
        """Whether so many spans come in that a graph may miss the newest."""
        return self._edges.flooded

    def settle_edges(self) -> None:
        """Wait until a graph has what is acknowledged by now; of a flood it may miss the newest seconds."""
        if not self.flooded:
            self.settle()
        self._edges.settle()

    def unready(self) -> str | None:
        """Why the collector cannot store anything; None when it can. Tries to open a lost database anew.

        After a commit that failed it tries to write: those who ask may keep senders away until we are ready.
        """
        try:
            if self._failure() is None:
                with self.database.reading():
                    return None
            self.database.try_writing()
        except StoreError as error:
            return str(error)
        self.metrics.failure = None
        return None if self._writer is None else self._writer.failure

    def health(self) -> Health:
        """How it is doing; without the database where that does not answer."""
        metrics, report = self.metrics, self._report
        size, commits = self._size(), int(metrics.value("laban_commit_seconds_count"))
        return Health(
            received=int(metrics.value("laban_spans_received_total")),
            stored=int(metrics.value("laban_spans_stored_total")),
            duplicates=int(metrics.value("laban_spans_duplicate_total")),
            rejected=int(metrics.value("laban_spans_rejected_total")),
            refused=metrics.refused_by_reason(),
            in_flight=int(metrics.value("laban_bytes_in_flight")),
            unloaded=0 if self._writer is None else self._writer.unloaded,
            commits=commits,
            commit_mean=metrics.value("laban_commit_seconds_sum") / commits if commits else None,
            file=size.file,
            used=size.used,
            wal=size.wal,
            forgotten=int(metrics.value("laban_spans_forgotten_total")),
            ledger=report.in_words() if report else "not compared yet",
            ledger_agrees=report is not None and report.agrees,
            set_aside=[path.name for path in set_aside(self.database.path)],
            failure=self._failure(),
        )

    def _failure(self) -> str | None:
        loading = None if self._writer is None else self._writer.failure
        return self.database.failure or loading or self.metrics.failure

    def _load(self, batches: Sequence[SpanBatch], sequence: int) -> list[Written]:
        with self.metrics.loads.time():
            written = self._tables.load(batches, sequence)
        self.metrics.stored.inc(sum(one.spans for one in written))
        self.metrics.duplicates.inc(sum(one.duplicates for one in written))
        self._edges.stored(sequence, sum(one.spans for one in written))
        return written

    def _running(self) -> JournaledWriter:
        if self._writer is None:
            raise StoreError(f"{self.database.path}: the storage is not running.")
        return self._writer

    def _forgot(self, forgotten: Forgotten) -> None:
        self.metrics.forgotten.inc(forgotten.spans)
        self.metrics.retention_waits.observe(forgotten.longest_wait)

    def _add_gauges(self, report: LedgerReport) -> None:
        gauges: tuple[tuple[str, str, Callable[[], float]], ...] = (
            (
                "laban_spans_unloaded",
                "Acknowledged, in the journal, not in the tables yet.",
                lambda: 0 if self._writer is None else self._writer.unloaded,
            ),
            (
                "laban_spans_uncounted",
                "In the tables, not counted for the graph yet.",
                lambda: self._edges.uncounted,
            ),
            ("laban_database_up", "1 while the database stores.", lambda: self._failure() is None),
            ("laban_database_file_bytes", "The database file.", lambda: self._size().file),
            ("laban_database_used_bytes", "Its blocks in use.", lambda: self._size().used),
            ("laban_database_wal_bytes", "The write-ahead log.", lambda: self._size().wal),
            (
                "laban_database_set_aside_files",
                "Damaged files beside it.",
                lambda: len(set_aside(self.database.path)),
            ),
            (
                "laban_ledger_missing_commits",
                "Acknowledged, and not there at the start.",
                lambda: report.missing.commits,
            ),
            (
                "laban_ledger_missing_spans",
                "Acknowledged, and not there at the start.",
                lambda: report.missing.spans + report.lacking,
            ),
            (
                "laban_ledger_different_commits",
                "Not as acknowledged at the start.",
                lambda: report.different,
            ),
        )
        for gauge in gauges:
            self.metrics.watch(*gauge)

    def _size(self) -> FileSize:
        """The size; zeros while the database does not answer, which `laban_database_up` tells."""
        try:
            return self.database.size()
        except StoreError as error:
            _log.debug("The size is unknown: %s", error)
            return _NO_SIZE
