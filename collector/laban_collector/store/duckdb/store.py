"""`DuckDBStore`: one DuckDB file as a store; connects the folders of this package."""

import logging
import weakref
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from laban_collector.errors import StoreDamaged, StoreError
from laban_collector.store.base import (
    DEFAULT_NAMES,
    BatchLoader,
    Deleted,
    LedgerCheck,
    NameLimits,
    OpenSink,
    Profiler,
    RetentionLimits,
    SpanReader,
    Store,
    StoreHealth,
)
from laban_collector.store.damage import Rescued, Verification
from laban_collector.store.duckdb.connection.database import Database, FileSize, wal_of
from laban_collector.store.duckdb.connection.spilled import remove_spilled
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.durability.recovery import log_copy, open_or_quarantine, set_aside
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.edge_totals import EdgeTotals
from laban_collector.store.private_files import copy_private, remove_leftovers
from laban_collector.store.sidecar_files import (
    move_to_quarantine,
    quarantine_path,
    quarantined,
    rescued_path,
    ring_path,
)

if TYPE_CHECKING:  # read-only commands start faster without these
    from laban_collector.batch.span_batch import SpanBatch
    from laban_collector.store.duckdb.housekeeping.background import Background
    from laban_collector.store.duckdb.housekeeping.verification import Verifier
    from laban_collector.store.duckdb.write.writer import DuckDBWriter

_log = logging.getLogger(__name__)

_NO_SIZE: Final = FileSize(0, 0, 0)


class DuckDBStore(Store):
    """One DuckDB file, open in this process.

    Args:
        database: open; the store closes it.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._commit_ranges = CommitRanges(database)
        self._readers: weakref.WeakSet[DuckDBReader] = weakref.WeakSet()
        self._verifier: Verifier | None = None
        self._writer: DuckDBWriter | None = None
        self._background: Background | None = None
        self._damaged: Path | None = None
        """The name of a damaged file while it is being set aside."""

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a file; see `Database.open`."""
        return cls(Database.open(path, read_only=read_only))

    @classmethod
    def recover(cls, path: Path) -> Self:
        """Open a file for a collector, and remove what a killed one left; see `open_or_quarantine`."""
        remove_spilled(path)
        store = cls(open_or_quarantine(path))
        remove_leftovers(path.absolute().parent, path.name)
        try:
            store.writer()
        except StoreDamaged as damage:
            store.database.abandon()
            set_aside(path, quarantine_path(path), str(damage))
            return cls(Database.open(path))
        return store

    @property
    def path(self) -> Path:
        """The database file."""
        return self.database.path

    def writer(self) -> BatchLoader:
        """Return the writer; it is created on first use."""
        return self._duckdb_writer()

    def reader(self, *, staleness: float = 0.0) -> SpanReader:
        """Return a reader; see `DuckDBReader`."""
        reader = DuckDBReader(self.database, staleness, self._commit_ranges, self._polls)
        self._readers.add(reader)
        return reader

    @property
    def failure(self) -> str | None:
        """The reason why DuckDB invalidated the database; None while it answers."""
        return self.database.failure

    @property
    def changes(self) -> int | None:
        """The committed transactions; None while the database does not answer."""
        return self.database.changes if self.failure is None else None

    def health(self) -> StoreHealth:
        """Return the state of the file; its size is 0 while the database does not answer."""
        size = self._size()
        return StoreHealth(
            file=size.file,
            used=size.used,
            wal=size.wal,
            uncounted=0 if self._background is None else self._background.edges.uncounted,
            quarantined=tuple(path.name for path in quarantined(self.path)),
            verification=Verification() if self._verifier is None else self._verifier.result,
            others={} if self._background is None else self._background.edges.others,
        )

    def probe(self, *, write: bool) -> None:
        """Begin to read; with `write`, commit a test row.

        Raises:
            StoreError: DuckDB refused.
        """
        if self.damage is not None:
            raise StoreDamaged(f"{self.path} is damaged: {self.damage}. It is being set aside; try again.")
        if write:
            self.database.try_writing()
        else:
            with self.database.reading():
                pass

    def check_ledger(self) -> LedgerCheck:
        """Compare the spans with the table `ledger`; reads only one column of the spans.

        Raises:
            StoreError: DuckDB refused.
        """
        with self.database.reading() as cursor:
            [row] = cursor.execute(sql("durability/check_ledger")).fetchall()
        return LedgerCheck(*map(int, row))

    def end_recovery(self, keep_as: Path | None) -> None:
        """Delete the copy of the write-ahead log that `recover` made, or keep it as the log of `keep_as`."""
        copy = log_copy(self.path)
        if keep_as is not None and copy.exists():
            move_to_quarantine(copy, wal_of(keep_as))
        copy.unlink(missing_ok=True)

    def start(
        self,
        retention: RetentionLimits,
        deleted: Callable[[Deleted], None],
        names: NameLimits = DEFAULT_NAMES,
        profiler: Profiler | None = None,
        series: int = 0,
    ) -> None:
        """Start the threads that count edges and profiles, compute digests, and enforce the retention limits.

        Raises:
            StoreError: DuckDB refused.
        """
        from laban_collector.store.duckdb.housekeeping.background import Background
        from laban_collector.store.duckdb.housekeeping.verification import Verifier

        writer = self._duckdb_writer()
        self._verifier = Verifier(self.database, self.check_ledger)
        self._background = Background(
            self.database, self._commit_ranges, retention, deleted, names, self._verifier, profiler, series
        )
        self._background.start(writer.sequence)
        writer.loaded = self._background.stored

    def edge_totals(self) -> EdgeTotals:
        """Return the running totals of edges as they are stored; empty if none are kept."""
        background = self._background
        return EdgeTotals() if background is None or background.totals is None else background.totals.totals

    def stop(self) -> None:
        """Count the loaded spans unless there are very many, and end the threads."""
        if self._background is not None:
            self._duckdb_writer().loaded = None
            self._background.stop()
            self._background = None

    def complete_profiles(self, profiler: Profiler) -> None:
        """Compute the missing digests, which find traces, and count what all stored traces look like.

        Raises:
            StoreError: DuckDB refused.
        """
        from laban_collector.store.duckdb.index.digests import Digester
        from laban_collector.store.duckdb.profiles.counter import ProfileCounter

        Digester(self.database).catch_up()
        counter = ProfileCounter(self.database, self._commit_ranges, profiler)
        while counter.count_next(delay=0, imported=True):
            pass
        counter.compact()

    @property
    def flooded(self) -> bool:
        """Whether spans arrive faster than they can be counted."""
        return self._background is not None and self._background.edges.flooded

    def settle(self) -> None:
        """Wait until the edges of loaded spans are counted; in a flood, only of spans that a client waits
        for."""
        if self._background is not None:
            self._background.edges.settle()

    def export(self, open_sink: OpenSink) -> Generator[int, None, None]:
        """Write each table to a Parquet file; see `export`."""
        from laban_collector.store.duckdb.housekeeping.export import export

        return export(self.database, open_sink)

    def archive(self) -> Generator[bytes, None, None]:
        """Return the Parquet files as a ZIP archive; see `export_zip`."""
        from laban_collector.store.duckdb.housekeeping.export import export_zip

        return export_zip(self.database)

    def backup(self, target: Path) -> Generator[int, None, None]:
        """Copy the database to a new file; see `backup`."""
        from laban_collector.store.duckdb.housekeeping.export import backup

        return backup(self.database, target)

    def stream_backup(self) -> Generator[bytes, None, None]:
        """Return the bytes of a backup; see `stream_backup`."""
        from laban_collector.store.duckdb.housekeeping.export import stream_backup

        return stream_backup(self.database)

    @property
    def damage(self) -> str | None:
        """What proves that the file is damaged; None: nothing does."""
        return self.database.damage

    def watch(self, trouble: Callable[[], object]) -> None:
        """Call `trouble` when the file is damaged, or may be."""
        self.database.on_trouble = trouble

    def confirm(self, pause: Callable[[float], bool]) -> None:
        """After an internal error of DuckDB, verify the whole file; see `Verifier`."""
        if self.database.suspicion is None or self.damage is not None:
            return
        if self._verifier is None:
            from laban_collector.store.duckdb.housekeeping.verification import Verifier

            self._verifier = Verifier(self.database, self.check_ledger)
        _log.warning("%s is verified after an error: %s", self.path, self.database.suspicion)
        if self._verifier.run(lambda _: pause(0)):
            _log.warning("%s is intact: the error has another cause.", self.path)

    def set_aside(self, sequence: int) -> Path:
        """Keep the damaged file as `FILE.damaged-<time>`, and continue with a new one.

        Call it after `stop`; `start` again afterwards, with a new `writer`. If it fails, call it again.

        Raises:
            StoreError: queries are still running, or the new file cannot be created.
            OSError: a file cannot be renamed or written.
        """
        self._damaged = damaged = self._damaged or quarantine_path(self.path)
        reason = self.damage or "unknown"
        self.database.replace(lambda: self._move(damaged, reason), sequence)
        self._damaged = None
        self._writer = None
        self._commit_ranges.forget()
        for reader in self._readers:
            reader.forget()
        return damaged

    def rescue(
        self, damaged: Path, write: "Callable[[SpanBatch], object]", pause: Callable[[float], bool]
    ) -> Rescued | None:
        """Store everything readable of a damaged file again; see `rescue_process`."""
        from laban_collector.store.duckdb.durability import rescue_process
        from laban_collector.store.duckdb.durability.rescued_batches import batches, copy_lag, copy_logs

        staged = rescued_path(damaged)
        for left in (staged, wal_of(staged)):
            left.unlink(missing_ok=True)
        result = rescue_process.run(damaged, staged, pause)
        if result is None:
            return None
        try:
            with Database.open(staged, read_only=True) as rescued:
                for batch in batches(rescued):
                    if pause(0):
                        return None
                    write(batch)
                copy_lag(rescued, self.database)
                copy_logs(rescued, self.database)
        finally:
            staged.unlink(missing_ok=True)
        return result

    @classmethod
    def rescue_file(cls, damaged: Path, target: Path) -> Rescued:
        """Copy everything readable of a damaged file to a new one; see `rescue`."""
        from laban_collector.store.duckdb.durability.rescue import rescue

        return rescue(damaged, target)

    @classmethod
    def read_batches(cls, path: Path, write: "Callable[[SpanBatch], object]") -> None:
        """Read all spans of a file as batches."""
        from laban_collector.store.duckdb.durability.rescued_batches import batches

        with Database.open(path, read_only=True) as rescued:
            for batch in batches(rescued):
                write(batch)

    def close(self) -> None:
        """Checkpoint, and close the file.

        Raises:
            StoreError: the checkpoint failed; committed rows are safe in the log.
        """
        self.database.close()

    def _move(self, damaged: Path, reason: str) -> None:
        """Rename the damaged file, unless an earlier attempt did; the ledger ring continues, and is copied.

        The rescue compares the damaged file with the copy.
        """
        ring, kept = ring_path(self.path), ring_path(damaged)
        if damaged.exists():  # then the new file could not be completed, and holds nothing
            for begun in (self.path, wal_of(self.path)):
                begun.unlink(missing_ok=True)
        else:
            set_aside(self.path, damaged, reason)
        if kept.exists() and not ring.exists():
            kept.replace(ring)
        if ring.exists():
            kept.unlink(missing_ok=True)
            copy_private(ring, kept)

    def _duckdb_writer(self) -> "DuckDBWriter":
        from laban_collector.store.duckdb.write.writer import DuckDBWriter

        if self._writer is None:
            self._writer = writer = DuckDBWriter(self.database)
            self._commit_ranges.newest.follow(lambda: writer.sequence)
        return self._writer

    def _polls(self) -> int:
        return 0 if self._writer is None else self._writer.polls

    def _size(self) -> FileSize:
        try:
            return self.database.size()
        except StoreError as error:
            _log.debug("The size of the database is unknown: %s", error)
            return _NO_SIZE
