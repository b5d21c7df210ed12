"""The storage service of a collector: the journal and the ledger ring in front of a store."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from laban_collector.batch.log_batch import LogBatch
from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import StoreError
from laban_collector.health import Health, LogCounts
from laban_collector.ingest.journal import Journal
from laban_collector.ingest.ledger import LedgerReport, check_ledger, note_loss, with_left_behind
from laban_collector.ingest.ledger_ring import LedgerRing, Missing
from laban_collector.ingest.loader import JournalLoader
from laban_collector.ingest.repair import RepairThread, note_journaled
from laban_collector.ingest.unloaded import Unloaded
from laban_collector.metrics import Metrics
from laban_collector.store.base import (
    DEFAULT_NAMES,
    BatchLoader,
    Deleted,
    NameLimits,
    Profiler,
    RetentionLimits,
    SpanWriter,
    Store,
    Written,
)
from laban_collector.store.private_files import make_private, refuse_links, unwritable
from laban_collector.store.rows import Lag, LagRow
from laban_collector.store.sidecar_files import (
    journal_paths,
    keep_record,
    quarantine_path,
    rescues,
    ring_path,
)

_log = logging.getLogger(__name__)

_RECENT: Final = 3600 * 10**9
"""ns; see `recent_lag`."""
_MANY: Final = 100_000
"""Uncounted spans, from which a map or a status says that it waits for them: more than a second's work."""


class StorageService(SpanWriter):
    """Takes batches durably, checks the ledger at the start, and reports health.

    Args:
        store: open for writing; the caller closes it after `stop`.
        limits: the retention limits.
        names: the names that graphs distinguish in an hour.
        profiler: counts what traces look like; None: profiles are not kept.
        series: edges that the totals for metrics tell apart; 0: totals are not kept.
    """

    def __init__(
        self,
        store: Store,
        limits: RetentionLimits,
        names: NameLimits = DEFAULT_NAMES,
        profiler: Profiler | None = None,
        series: int = 0,
    ) -> None:
        self.metrics = Metrics()
        self.store = store
        self._limits = limits
        self._names = names
        self._profiler = profiler
        self._series = series
        self._tables: BatchLoader | None = store.writer()
        """None while the store is being replaced."""
        self._journaled: tuple[Path, dict[int, int]] | None = None
        """A damaged file that was set aside, and the spans of the commits that are not in it."""
        self._ring: LedgerRing | None = None
        self._report: LedgerReport | None = None
        self._loader: JournalLoader | None = None
        self._repair = RepairThread(store, self._replace, self.write)
        self._tables_changing = threading.Lock()

    def start(self) -> None:
        """Check the ledger, then take batches; the journal is loaded in the background.

        If the store turns out to be damaged meanwhile, it is set aside.

        Raises:
            StoreError: the store did not answer; or the journal or the ledger ring cannot be opened.
        """
        path = self.store.path
        refuse_links((*journal_paths(path), ring_path(path)))
        make_private((*journal_paths(path), ring_path(path)))
        try:
            self._start_or_replace()
        except OSError as error:
            raise unwritable(path if error.filename is None else Path(error.filename), error) from error
        self._add_gauges(self.report)
        self._repair.start()

    def _start_or_replace(self) -> None:
        try:
            self._start()
        except StoreError:
            self.store.confirm(lambda _: False)
            if self.store.damage is None:
                raise
            self._end_start()
            self.store.set_aside(self._newest_loaded())
            self._tables = self.store.writer()
            self._start()

    def _end_start(self) -> None:
        """End what an attempt to start has begun."""
        self.store.stop()
        if self._ring is not None:
            self._ring.close()
            self._ring = None

    def _newest_loaded(self) -> int:
        """Return the sequence of the newest commit that is not in the journal."""
        unloaded = Journal(self.store.path).unloaded()
        if unloaded:
            return max(unloaded[0].sequence - 1, 0)
        ring = LedgerRing.open(ring_path(self.store.path))
        try:
            return 0 if ring.last is None else ring.last.sequence
        finally:
            ring.close()

    def _start(self) -> None:
        journal = Journal(self.store.path)
        left = journal.unloaded()
        found = self.store.check_ledger()
        unloaded = with_left_behind(self.store, found.newest, journal, left)
        note_journaled(self.store, unloaded)
        self._ring, self._report = check_ledger(self.store, unloaded, found=found)
        self.store.start(self._limits, self._on_deleted, self._names, self._profiler, self._series)
        loader = JournalLoader(self._load, journal, self._ring, self._writer().sequence)
        loader.on_loss = self._on_journal_loss
        waiting = {one.sequence for one in left}
        loader.start([one for one in unloaded if one.sequence not in waiting])
        self._loader = loader

    def stop(self) -> None:
        """Load all batches, end all threads, and close the ledger ring. Call it after the last batch."""
        self._repair.stop()
        if self._loader is not None:
            self._loader.stop()
            self._loader = None
        self._end_start()

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
        with self._tables_changing:
            self._writer().write_lag(rows)
        self.metrics.lag_rows.set(sum(isinstance(row, Lag) for row in rows))
        self.metrics.lag_polled.set(time.time())

    def take_logs(self, batch: LogBatch) -> None:
        """Store log records, after `start`; they are in the tables when this returns.

        Raises:
            StoreError: nothing was stored.
        """
        with self._tables_changing:
            self._writer().write_logs(batch)

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

    @property
    def changes(self) -> int | None:
        """A number that is the same only while nothing that is stored or acknowledged changes; None if that
        is unknown, as while acknowledged spans are not in the tables."""
        settled = self._loader is not None and self._loader.is_settled
        return self.store.changes if settled else None

    def unloaded(self) -> Unloaded:
        """Return the keys of the acknowledged spans that are not in the tables yet."""
        return Unloaded(()) if self._loader is None else self._loader.keys()

    def settle_edges(self) -> bool:
        """Wait until graphs contain all acknowledged spans; in a flood, they may miss the newest seconds.

        Returns:
            Whether it waited for all.
        """
        flooded = self.store.flooded
        if not flooded:
            self.settle()
        self.store.settle()
        return not flooded

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
            ledger=self._ledger_in_words(),
            ledger_agrees=report is not None and report.agrees and self._all_rescued(),
            set_aside=list(store.quarantined),
            failure=self._failure(),
            verification=store.verification,
            rescues=list(self._repair.records),
            others=dict(store.others),
            logs=LogCounts(
                stored=int(metrics.value("laban_logs_stored_total")),
                rejected=int(metrics.value("laban_logs_rejected_total")),
                refused=int(metrics.value("laban_log_requests_refused_total")),
                forgotten=int(metrics.value("laban_logs_forgotten_total")),
            ),
            doing=_doing(0 if self._loader is None else self._loader.left, store.uncounted),
        )

    def _all_rescued(self) -> bool:
        return self.store.damage is None and all(record.agrees for record in self._repair.records)

    def _ledger_in_words(self) -> str:
        report = "not compared yet" if self._report is None else self._report.in_words()
        rescued = [record.in_words() for record in self._repair.records]
        return "; ".join(dict.fromkeys([report, *rescued]))

    def _unloaded(self) -> int:
        return 0 if self._loader is None else self._loader.unloaded

    def _failure(self) -> str | None:
        loading = None if self._loader is None else self._loader.failure
        return self.store.failure or loading or self.metrics.failure

    def _load(self, batches: Iterable[SpanBatch], sequence: int, *, awaited: bool) -> list[Written]:
        with self._tables_changing, self.metrics.loads.time():
            written = self._writer().load(batches, sequence, awaited=awaited)
        self.metrics.stored.inc(sum(one.spans for one in written))
        self.metrics.duplicates.inc(sum(one.duplicates for one in written))
        return written

    def _replace(self) -> None:
        """Set the damaged store aside, and continue with an empty one; acknowledged spans wait in the
        journal.

        Raises:
            StoreError: it failed; call it again, and it continues. Until then nothing is loaded.
            OSError: a file cannot be renamed or written.
        """
        ring, loader = self._ring, self._running()
        with self._tables_changing:
            self.store.stop()
            if self._tables is not None:
                # The loader may not have noted the newest load yet. It waits for the lock before the next.
                loaded = max(loader.loaded, self._tables.sequence)
                damaged = self.store.set_aside(loaded)
                self._journaled = damaged, {} if ring is None else ring.spans_after(loaded)
                self._tables = None
            self._note_journaled()
            tables = self.store.writer()
            self.store.start(self._limits, self._on_deleted, self._names, self._profiler, self._series)
            self._tables = tables

    def _note_journaled(self) -> None:
        if self._journaled is None:
            return
        damaged, spans = self._journaled
        for record in rescues(self.store.path):
            if record.file == damaged.name:
                keep_record(self.store.path, record.model_copy(update={"journaled": spans}))
        self._journaled = None

    def _writer(self) -> BatchLoader:
        if self._tables is None:
            raise StoreError(f"{self.store.path} is damaged. It is being replaced; try again.")
        return self._tables

    def _on_journal_loss(self, journal: Journal, sequences: Sequence[int]) -> None:
        damaged = quarantine_path(self.store.path)
        journal.copy_sealed(journal_paths(damaged)[0])
        spans = {} if self._ring is None else self._ring.spans_after(sequences[0] - 1)
        missing = Missing(
            len(sequences), sum(spans.get(one, 0) for one in sequences), exact=spans.keys() >= set(sequences)
        )
        sentence = f"the journal was damaged: {missing.spans:,} spans of {missing.commits:,} commits are lost"
        _log.critical("%s.", sentence)
        note_loss(self.store, damaged, missing, sentence)
        self._repair.look()

    def _running(self) -> JournalLoader:
        if self._loader is None:
            raise StoreError(f"{self.store.path}: the storage service is not running.")
        return self._loader

    def _on_deleted(self, deleted: Deleted) -> None:
        self.metrics.logs_forgotten.inc(deleted.logs)
        if deleted.spans:
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
                "laban_database_intact",
                "1 if the last verification of the whole database found no damage.",
                lambda: health().verification.state == "intact",
            ),
            (
                "laban_database_verified_timestamp_seconds",
                "When the last verification of the whole database ended; 0 before the first.",
                lambda: health().verification.verified or 0.0,
            ),
            (
                "laban_database_verifications",
                "Verifications of the whole database since the start.",
                lambda: health().verification.passes,
            ),
            (
                "laban_rescue_lost_spans",
                "Spans of damaged files that could not be rescued.",
                lambda: sum(record.lost for record in self._repair.records),
            ),
            (
                "laban_rescues_running",
                "Damaged files that are being rescued.",
                lambda: sum(record.state in ("waiting", "running") for record in self._repair.records),
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


def _doing(left: int, uncounted: int) -> str:
    """Return what is not finished, as text for people."""
    found: list[str] = []
    if left:
        found.append(f"loading {left:,} spans that were acknowledged before the last stop")
    if uncounted > _MANY:
        found.append(f"counting the calls and messages of {uncounted:,} spans")
    return "; ".join(found)
