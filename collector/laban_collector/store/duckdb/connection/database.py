"""One DuckDB file: opens it, prepares its tables, and gives out cursors to read and to write."""

import logging
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Self

import duckdb

from laban_collector.errors import StoreDamaged, StoreError
from laban_collector.store.duckdb.connection import schema
from laban_collector.store.duckdb.connection.open_errors import (
    check_place,
    may_be_damage,
    open_error,
    use_error,
)
from laban_collector.store.duckdb.connection.session import Session
from laban_collector.store.duckdb.connection.sql import sql

_log = logging.getLogger(__name__)

STORAGE_COMPATIBILITY: Final = "latest"
"""The oldest DuckDB version that must be able to read the file. `latest` compresses best; 1.x cannot open
it."""

# The default, a checkpoint every 16 MB, costs a third of the throughput and of the space. A longer log takes
# longer to replay after a kill (1 s for 100 MB), and its rows are kept in memory or spilled.
_WAL_AUTOCHECKPOINT: Final = "64MB"

# By default DuckDB's cache takes most of the memory, although the operating system caches the file too.
# Queries that need more spill to a directory next to the file, which DuckDB removes.
# It fills what it may have with rows that were just loaded, so this is most of the memory of a collector.
_MEMORY: Final = "128MB"

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "storage_compatibility_version": STORAGE_COMPATIBILITY,
    "wal_autocheckpoint": _WAL_AUTOCHECKPOINT,
    # No query can access another file or the network, or change this setting (lock_configuration). This also
    # turns off the lookup of Python variables by name: Arrow tables must be registered.
    "enable_external_access": "false",
    # More threads take twice the processor time to store the same spans, and do not answer sooner on two
    # cores (decision 0009). Concurrent queries still run on several cores.
    "threads": 1,
    "memory_limit": _MEMORY,
    # Gives memory back that a load has used: 40 MB less between loads.
    "allocator_background_threads": "true",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


_IN_USE: Final = "Cannot CHECKPOINT"
"""DuckDB refuses a checkpoint while a transaction may still read what an update replaced."""
_READERS_S: Final = 5.0
"""Seconds that a checkpoint waits for such transactions; meanwhile nobody writes."""


class FileSize(NamedTuple):
    """The size of a database on disk.

    Attributes:
        file: bytes of the file; some of its blocks may be free.
        used: bytes of the blocks in use.
        wal: bytes of the write-ahead log.
    """

    file: int
    used: int
    wal: int


class Database:
    """One open DuckDB file.

    Any number of threads may read at once; writers take turns. Only one process can have the file open.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._session = Session(path, partial(_connect, path, read_only=read_only))
        self._one_writer = threading.Lock()
        self.damage: str | None = None
        """What proves that the file is damaged; None: nothing does."""
        self.suspicion: str | None = None
        """An error that damaged rows also cause."""
        self._descriptor: int | None = None
        self.on_trouble: Callable[[], object] = lambda: None
        """Called after `damage` or `suspicion` is set."""
        self.before_checkpoint: Callable[[], object] = lambda: None
        """Called before each `checkpoint`, while nothing else is written."""
        self.changes = 0
        """The transactions that were committed since the file was opened."""

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a file; create it, with its tables, if it does not exist.

        Args:
            path: the file.
            read_only: do not change the file; it must exist.

        Raises:
            StoreNotFound: the file does not exist (`read_only`), or its directory does not.
            StoreLocked: another process has the file open; the text names it.
            StoreDamaged: it is not a DuckDB file, or is broken. The file is left unchanged.
            StoreForeign: it is a DuckDB file whose tables are not laban's.
            StoreTooNew: a newer laban or DuckDB wrote it.
        """
        check_place(path, read_only=read_only)
        try:
            database = cls(path, read_only=read_only)
        except duckdb.Error as error:
            raise open_error(path, error) from error
        try:
            database._prepare()
        except BaseException:
            database._session.close()
            raise
        return database

    @property
    def failure(self) -> str | None:
        """The reason why the database does not answer, or must not be trusted; None while it answers. After
        DuckDB invalidated it, the next use opens it again."""
        return self._session.failure or self.damage

    @contextmanager
    def descriptor(self) -> Generator[int, None, None]:
        """Yield a descriptor of the file for reading. It is closed only after the database: closing any
        descriptor of a file gives up the process's lock on it (POSIX)."""
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDONLY)
        yield self._descriptor

    def _close_descriptor(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def declare_damaged(self, reason: str) -> None:
        """Record that the file is damaged."""
        if self.damage is None:
            _log.critical("%s is damaged: %s", self.path, reason)
        self.damage = reason
        self.on_trouble()

    def replace(self, move: Callable[[], None], sequence: int) -> None:
        """Continue with a new file, after `move` has renamed the damaged one.

        Args:
            move: renames the file and its log.
            sequence: of the newest commit; the numbers go on from there.

        Raises:
            StoreError: queries are still running on the file, or the new one cannot be created.
        """

        def rename() -> None:
            self._close_descriptor()
            move()

        def prepare(connection: duckdb.DuckDBPyConnection) -> None:
            connection.execute("BEGIN TRANSACTION")
            schema.bring_up_to_date(connection, self.path)
            if sequence:
                connection.execute(sql("durability/mark_sequence"), {"sequence": sequence})
            connection.execute("COMMIT")
            connection.execute("CHECKPOINT")

        try:
            with self._one_writer:
                self._session.replace(rename, prepare)
                self.changes += 1
        except duckdb.Error as error:
            raise open_error(self.path, error) from error
        self.damage = self.suspicion = None

    @contextmanager
    def reading(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """Yield a read-only cursor that sees one state of the database until the block ends.

        Raises:
            StoreError: DuckDB refused.
        """
        with self._cursor("BEGIN TRANSACTION READ ONLY") as cursor:
            yield cursor

    @contextmanager
    def writing(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """Yield a cursor in a transaction, committed durably when the block ends, undone if it raises.

        Raises:
            StoreError: DuckDB refused; nothing of the transaction was stored.
        """
        if self.read_only:
            raise StoreError(f"{self.path} was opened read-only.")
        with self._one_writer:
            try:
                with self._cursor("BEGIN TRANSACTION") as cursor:
                    yield cursor
            finally:  # also after an error: then it is unknown whether the transaction was committed
                self.changes += 1

    def try_writing(self) -> None:
        """Commit a test row durably.

        Raises:
            StoreError: DuckDB refused.
        """
        with self.writing() as cursor:
            cursor.execute(sql("connection/try_writing"), [str(time.time_ns())])

    def checkpoint(self) -> float:
        """Write the write-ahead log to the file; return how many seconds writers waited.

        Raises:
            StoreError: the checkpoint failed, for example on a full disk; committed rows are safe in the log.
        """
        began = time.monotonic()
        with self._one_writer:
            self.before_checkpoint()
            try:
                self._checkpoint()
            except StoreError as error:
                if _IN_USE not in str(error):
                    raise
                self._checkpoint_after_readers()
        return time.monotonic() - began

    def _checkpoint_after_readers(self) -> None:
        """Checkpoint once the transactions have ended that are open now; call it as the only writer."""
        reading = self._session.wait_for_open_cursors(_READERS_S)
        try:
            self._checkpoint()
        except StoreError as error:
            if reading is None:
                raise
            raise type(error)(f"{error} These read: {reading}.") from error

    def _checkpoint(self) -> None:
        with self._translated("checkpoint failed: "), self._session.cursor() as cursor:
            cursor.execute("CHECKPOINT")

    def size(self) -> FileSize:
        """Return the size of the file and its log.

        Raises:
            StoreError: DuckDB refused.
        """
        with self.reading() as cursor:
            [(block, total, used)] = cursor.execute(sql("connection/file_size")).fetchall()
        log = wal_of(self.path)
        return FileSize(total * block, used * block, log.stat().st_size if log.exists() else 0)

    def close(self) -> None:
        """Checkpoint, and close the file.

        Raises:
            StoreError: the checkpoint failed; committed rows are safe in the log.
        """
        try:
            if not self.read_only:
                self.checkpoint()
        finally:
            with self._one_writer:
                self._session.close()
                self._close_descriptor()

    def abandon(self) -> None:
        """Close the file without a checkpoint: it is damaged."""
        self._session.close()
        self._close_descriptor()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _cursor(self, begin: str) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """Yield a cursor in a transaction, committed if the block succeeds."""
        with self._translated(), self._session.cursor() as cursor:
            cursor.execute(begin)
            yield cursor
            cursor.execute("COMMIT")

    @contextmanager
    def _translated(self, what: str = "") -> Generator[None, None, None]:
        """Turn DuckDB's errors into StoreErrors."""
        try:
            yield
        except duckdb.Error as error:
            translated = use_error(self.path, what, error)
            if isinstance(translated, StoreDamaged):
                self.declare_damaged(str(error))
            elif may_be_damage(error):
                self.suspicion = str(error)
                self.on_trouble()
            raise translated from error

    def _prepare(self) -> None:
        """Check which version wrote the file, and create or update its tables."""
        try:
            with self._session.cursor() as cursor:
                current = schema.is_current(cursor, self.path, read_only=self.read_only)
        except duckdb.Error as error:
            raise open_error(self.path, error) from error
        if not current:
            with self.writing() as cursor:
                older = schema.bring_up_to_date(cursor, self.path)
            # Checkpoint at once: a log that begins with a schema change is the least reliable to replay.
            self.checkpoint()
            if older is not None:
                _log.warning(
                    "updated %s from schema version %d to %d; older versions of laban can no longer open it",
                    self.path,
                    older,
                    schema.SCHEMA_VERSION,
                )


def wal_of(path: Path) -> Path:
    """Return the path of the write-ahead log that DuckDB keeps next to a file."""
    return path.with_name(f"{path.name}.wal")


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open the file, and set up the session."""
    connection = duckdb.connect(path, read_only=read_only, config=_CONFIG)
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        # Closing must not write what is in memory: it may be wrong after an error. The log has every commit.
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute("SET GLOBAL lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection
