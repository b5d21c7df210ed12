"""The storage service of a collector: the journal and the ledger ring in front of a store."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import StoreError
from laban_collector.health import Health
from laban_collector.ingest.journal import Journal
from laban_collector.ingest.ledger import LedgerReport, check_ledger
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.loader import JournalLoader
from laban_collector.metrics import Metrics
from laban_collector.store.base import (
    DEFAULT_NAMES,
    Deleted,
    NameLimits,
    RetentionLimits,
    SpanWriter,
    Store,
    Written,
)
from laban_collector.store.rows import Lag, LagRow

_log = logging.getLogger(__name__)

_RECENT: Final = 3600 * 10**9
"""ns; see `recent_lag`."""


class StorageService(SpanWriter):
    """Takes batches durably, checks the ledger at the start, and reports health.

    Args:
        store: open for writing; the caller closes it after `stop`.
        limits: the retention limits.
        names: the names that graphs distinguish in an hour.
    """

    def __init__(self, store: Store, limits: RetentionLimits, names: NameLimits = DEFAULT_NAMES) -> None:
        self.metrics = Metrics()
        self.store = store
        self._limits = limits
        self._names = names
        self._tables = store.writer()
        self._ring: LedgerRing | None = None
        self._report: LedgerReport | None = None
        self._loader: JournalLoader | None = None

    def start(self) -> None:
        """Check the ledger, load the journal, then take batches.

        Raises:
            StoreError: the store did not answer.
            OSError: the journal or the ledger ring cannot be opened.
        """
        journal = Journal(self.store.path)
        unloaded = journal.unloaded()
        self._ring, self._report = check_ledger(self.store, unloaded)
        self._add_gauges(self._report)
        self.store.start(self._limits, self._on_deleted, self._names)
        loader = JournalLoader(self._load, journal, self._ring, self._tables.sequence)
        loader.start(unloaded)
        self._loader = loader

    def stop(self) -> None:
        """Load all batches, end all threads, and close the ledger ring. Call it after the last batch."""
        if self._loader is not None:
            self._loader.stop()
            self._loader = None
        self.store.stop()
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    @property
    def report(self) -> LedgerReport:
        """The result of the ledger check; available after `start`.

        Raises:
            StoreError: the service has not started.
        """
        if self._report is None:
            raise StoreError(f"{self.store.path}: the storage service has not started.")
        return self._report

    def take(self, batch: SpanBatch) -> None:
        """Take a batch, after `start`; it is on disk when this returns, and in the tables after `settle`.

        Raises:
            StoreError: the batch was not kept, or only a part of it.
        """
        try:
            with self.metrics.commits.time():
                self._running().write(batch)
        except StoreError as error:
            self.metrics.failure = str(error)
            raise
        self.metrics.failure = None

    def write(self, batch: SpanBatch) -> Written:
        """Store a batch in the tables, and return how much of it was new.

        Raises:
            StoreError: the batch is not in the tables; if it is in the journal, it is loaded later.
        """
        return self._running().write_through(batch)

    def write_lag(self, rows: Sequence[LagRow]) -> None:
        """Store one poll of the consumer lag.

        Raises:
            StoreError: nothing was stored.
        """
        self._tables.write_lag(rows)
        self.metrics.lag_rows.set(sum(isinstance(row, Lag) for row in rows))
        self.metrics.lag_polled.set(time.time())

    def recent_lag(self) -> list[Lag]:
        """Return the stored polls of the last hour, by time; the newest ones if there are very many.

        Raises:
            StoreError: the store did not answer.
        """
        now = time.time_ns()
        return self.store.reader().lag_between(now - _RECENT, now)

    def settle(self) -> None:
        """Wait until everything acknowledged so far is in the tables."""
        if self._loader is not None:
            self._loader.settle()

    def settle_edges(self) -> None:
        """Wait until graphs contain all acknowledged spans; in a flood, they may miss the newest seconds."""
        if not self.store.flooded:
            self.settle()
        self.store.settle()

    def unready(self) -> str | None:
        """Return why the collector cannot store spans; None if it can. A lost database is opened again.

        After a failed commit this writes a test row: a load balancer sends nothing until the collector is
        ready.
        """
        failed = self._failure() is not None
        try:
            self.store.probe(write=failed)
        except StoreError as error:
            return str(error)
        if not failed:
            return None
        self.metrics.failure = None
        return None if self._loader is None else self._loader.failure

    def health(self) -> Health:
        """Return the state of the collector, even while the database does not answer."""
        metrics, report, store = self.metrics, self._report, self.store.health()
        commits = int(metrics.value("laban_commit_seconds_count"))
        return Health(
            received=int(metrics.value("laban_spans_received_total")),
            stored=int(metrics.value("laban_spans_stored_total")),
            duplicates=int(metrics.value("laban_spans_duplicate_total")),
            rejected=int(metrics.value("laban_spans_rejected_total")),
            refused=metrics.refused_by_reason(),
            in_flight=int(metrics.value("laban_bytes_in_flight")),
            unloaded=self._unloaded(),
            commits=commits,
            commit_mean=metrics.value("laban_commit_seconds_sum") / commits if commits else None,
            file=store.file,
            used=store.used,
            wal=store.wal,
            forgotten=int(metrics.value("laban_spans_forgotten_total")),
            ledger=report.in_words() if report else "not compared yet",
            ledger_agrees=report is not None and report.agrees,
            set_aside=list(store.quarantined),
            failure=self._failure(),
            others=dict(store.others),
        )

    def _unloaded(self) -> int:
        return 0 if self._loader is None else self._loader.unloaded

    def _failure(self) -> str | None:
        loading = None if self._loader is None else self._loader.failure
        return self.store.failure or loading or self.metrics.failure

    def _load(self, batches: Sequence[SpanBatch], sequence: int, *, awaited: bool) -> list[Written]:
        with self.metrics.loads.time():
            written = self._tables.load(batches, sequence, awaited=awaited)
        self.metrics.stored.inc(sum(one.spans for one in written))
        self.metrics.duplicates.inc(sum(one.duplicates for one in written))
        return written

    def _running(self) -> JournalLoader:
        if self._loader is None:
            raise StoreError(f"{self.store.path}: the storage service is not running.")
        return self._loader

    def _on_deleted(self, deleted: Deleted) -> None:
        self.metrics.forgotten.inc(deleted.spans)
        self.metrics.retention_waits.observe(deleted.longest_wait)

    def _add_gauges(self, report: LedgerReport) -> None:
        health = self.store.health
        gauges: tuple[tuple[str, str, Callable[[], float]], ...] = (
            ("laban_spans_unloaded", "Acknowledged spans that are not in the tables yet.", self._unloaded),
            (
                "laban_spans_uncounted",
                "Spans in the tables that the graph does not count yet.",
                lambda: health().uncounted,
            ),
            (
                "laban_calls_of_others",
                "Calls that the map counts as “other”, because an hour had too many names.",
                lambda: sum(health().others.values()),
            ),
            ("laban_database_up", "1 while the database can store spans.", lambda: self._failure() is None),
            ("laban_database_file_bytes", "The database file.", lambda: health().file),
            ("laban_database_used_bytes", "The part of the database file in use.", lambda: health().used),
            ("laban_database_wal_bytes", "The write-ahead log.", lambda: health().wal),
            (
                "laban_database_set_aside_files",
                "Damaged files next to the database.",
                lambda: len(health().quarantined),
            ),
            (
                "laban_ledger_missing_commits",
                "Acknowledged commits that were missing at the start.",
                lambda: report.missing.commits,
            ),
            (
                "laban_ledger_missing_spans",
                "Acknowledged spans that were missing at the start.",
                lambda: report.missing.spans + report.lacking,
            ),
            (
                "laban_ledger_different_commits",
                "Commits whose number of spans at the start differed from the acknowledged number.",
                lambda: report.different,
            ),
        )
        for gauge in gauges:
            self.metrics.watch(*gauge)
