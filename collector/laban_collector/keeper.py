"""Keeps a collector's database: compares its ledger, forgets what is old, and says how it is doing."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from laban_collector.errors import StoreError
from laban_collector.metrics import MeteredWriter, Metrics
from laban_collector.store.base import SpanWriter
from laban_collector.store.duckdb.aside import check_ledger, set_aside
from laban_collector.store.duckdb.database import Database, FileSize
from laban_collector.store.duckdb.ledger import LedgeredWriter, LedgerReport
from laban_collector.store.duckdb.retention import Forgotten, Limits, RetentionThread
from laban_collector.store.duckdb.tail import LedgerTail

_log = logging.getLogger(__name__)

_NO_SIZE: Final = FileSize(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Health:
    """How a collector is doing, since it started.

    Attributes:
        received: spans in requests that could be decoded.
        stored: spans newly stored.
        duplicates: spans that were already stored.
        rejected: spans refused in requests otherwise accepted.
        refused: requests refused, by reason.
        in_flight: bytes accepted and not yet stored.
        commits: batches written.
        commit_mean: seconds that a commit took, on average; None before the first.
        file: bytes of the database file.
        used: bytes of it in use; the rest is reused.
        wal: bytes of the write-ahead log.
        forgotten: spans deleted by the retention.
        ledger: how the database compared with its ledger at the start, in words.
        ledger_agrees: whether all that was acknowledged was there.
        set_aside: names of damaged files that lie beside the database.
        failure: why the database answers or stores nothing at the moment; None when it does.
    """

    received: int
    stored: int
    duplicates: int
    rejected: int
    refused: dict[str, int]
    in_flight: int
    commits: int
    commit_mean: float | None
    file: int
    used: int
    wal: int
    forgotten: int
    ledger: str
    ledger_agrees: bool
    set_aside: list[str]
    failure: str | None


class Keeper:
    """Everything about one database that is neither writing spans nor answering questions.

    Args:
        database: open to write.
        limits: what the retention keeps.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self.metrics = Metrics()
        self.database = database
        self._tail: LedgerTail | None = None
        self._report: LedgerReport | None = None
        limited = limits.age is not None or limits.size is not None
        self._retention = RetentionThread(database, limits, self._forgot) if limited else None

    def start(self) -> None:
        """Compare the ledger, and begin to forget.

        Raises:
            StoreError: DuckDB refused.
            OSError: the ledger's tail cannot be opened.
        """
        self._tail, self._report = check_ledger(self.database)
        self._add_gauges(self._report)
        if self._retention is not None:
            self._retention.start()

    def stop(self) -> None:
        """Forget no more, and let go of the ledger; after the last commit."""
        if self._retention is not None:
            self._retention.stop()
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def watching(self, writer: SpanWriter) -> SpanWriter:
        """A writer whose commits are counted, and noted in the ledger's tail; after `start`."""
        if self._tail is None:
            raise StoreError(f"{self.database.path}: the keeper is not running.")
        return MeteredWriter(LedgeredWriter(writer, self.database, self._tail), self.metrics)

    def unready(self) -> str | None:
        """Why the collector cannot store anything; None when it can. Tries to open a lost database anew.

        After a commit that failed it tries to write: those who ask may keep senders away until we are ready.
        """
        try:
            if self.metrics.failure is None:
                with self.database.reading():
                    return None
            self.database.try_writing()
        except StoreError as error:
            return str(error)
        self.metrics.failure = None
        return None

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
        return self.database.failure or self.metrics.failure

    def _forgot(self, forgotten: Forgotten) -> None:
        self.metrics.forgotten.inc(forgotten.spans)
        self.metrics.retention_waits.observe(forgotten.longest_wait)

    def _add_gauges(self, report: LedgerReport) -> None:
        gauges: tuple[tuple[str, str, Callable[[], float]], ...] = (
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
