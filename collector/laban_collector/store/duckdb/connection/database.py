"""One DuckDB file: opened, made ready, and reached by two doors, one to read and one to write."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Self

import duckdb

from laban_collector.errors import StoreError, StoreForeign, StoreTooNew
from laban_collector.store.duckdb.connection.open_errors import check_place, open_error, use_error
from laban_collector.store.duckdb.connection.session import Session
from laban_collector.store.duckdb.connection.sql import sql

SCHEMA_VERSION: Final = 4
"""Raised with every change of `schema.sql`; a file with a higher one is refused."""

STORAGE_COMPATIBILITY: Final = "latest"
"""The oldest DuckDB that must read the file. `latest` packs best; files of 2.x will not open in 1.x."""

# A checkpoint every 16 MB, the default, costs a third of the rate and of the space.
_WAL_AUTOCHECKPOINT: Final = "256MB"

# Else its cache would take most of the machine's memory, and the system caches the file too. What needs more
# is spilled to a directory beside the file, which DuckDB removes.
_MEMORY: Final = "256MB"

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "storage_compatibility_version": STORAGE_COMPATIBILITY,
    "wal_autocheckpoint": _WAL_AUTOCHECKPOINT,
    # No query reaches another file or the network, and none can turn that back on (lock_configuration).
    # It also turns off the scan of Python variables by name: Arrow tables have to be registered.
    "enable_external_access": "false",
    # More threads take twice the processor time to store as much, and answer no sooner on two cores (decision
    # 0009); several questions at once still run on several cores.
    "threads": 1,
    "memory_limit": _MEMORY,
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class FileSize(NamedTuple):
    """How large a database is on disk.

    Attributes:
        file: bytes of the file, of which some blocks may be free.
        used: bytes of the blocks in use.
        wal: bytes of the write-ahead log.
    """

    file: int
    used: int
    wal: int


class Database:
    """One open DuckDB file.

    Any number of threads may read at once; writers wait for each other. Only one process can have the
    file open (see the design, section 1).
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._session = Session(path, partial(_connect, path, read_only=read_only))
        self._one_writer = threading.Lock()

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a file, and make it, with its tables, if it does not exist.

        Args:
            path: the file.
            read_only: change nothing; the file must exist.

        Raises:
            StoreNotFound: there is no such file (`read_only`), or no directory to make it in.
            StoreLocked: another process has it open; the text names it.
            StoreDamaged: it is not a DuckDB file, or is broken. It is left as it is.
            StoreForeign: it is a DuckDB file with other tables than laban's.
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
        """Why DuckDB has given the database up; None when it answers. The next use tries to open it anew."""
        return self._session.failure

    @contextmanager
    def reading(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """A cursor that sees one state of the database until it is left, and can change nothing.

        Raises:
            StoreError: DuckDB refused.
        """
        with self._cursor("BEGIN TRANSACTION READ ONLY") as cursor:
            yield cursor

    @contextmanager
    def writing(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """A cursor in a transaction: durable when the block ends, undone when it raises.

        Raises:
            StoreError: DuckDB refused; nothing of the transaction was stored.
        """
        if self.read_only:
            raise StoreError(f"{self.path} was opened to read only.")
        with self._one_writer, self._cursor("BEGIN TRANSACTION") as cursor:
            yield cursor

    def try_writing(self) -> None:
        """Commit a row of no meaning durably.

        Raises:
            StoreError: DuckDB refused.
        """
        with self.writing() as cursor:
            cursor.execute(sql("connection/try_writing"), [str(time.time_ns())])

    def checkpoint(self) -> float:
        """Fold the write-ahead log into the file; returns the seconds that writers had to wait.

        Raises:
            StoreError: it failed, as on a full disk; what was committed is safe in the log.
        """
        began = time.monotonic()
        with self._one_writer, self._ours("checkpoint failed: "), self._session.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        return time.monotonic() - began

    def size(self) -> FileSize:
        """How large the file and its log are.

        Raises:
            StoreError: DuckDB refused.
        """
        with self.reading() as cursor:
            [(block, total, used)] = cursor.execute(sql("connection/file_size")).fetchall()
        log = wal_of(self.path)
        return FileSize(total * block, used * block, log.stat().st_size if log.exists() else 0)

    def close(self) -> None:
        """Fold the write-ahead log into the file, and let go of it.

        Raises:
            StoreError: the checkpoint failed; what was committed is safe in the log.
        """
        try:
            if not self.read_only:
                self.checkpoint()
        finally:
            with self._one_writer:
                self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _cursor(self, begin: str) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """A cursor in a transaction, committed if the block succeeds; DuckDB's errors become ours."""
        with self._ours(), self._session.cursor() as cursor:
            cursor.execute(begin)
            yield cursor
            cursor.execute("COMMIT")

    @contextmanager
    def _ours(self, what: str = "") -> Generator[None, None, None]:
        try:
            yield
        except duckdb.Error as error:
            raise use_error(self.path, what, error) from error

    def _prepare(self) -> None:
        """Check whose file it is, and create what is missing."""
        try:
            version = self._schema_version()
        except duckdb.Error as error:
            raise open_error(self.path, error) from error
        if version is not None and version > SCHEMA_VERSION:
            raise StoreTooNew(
                f"{self.path} has schema version {version}, and this laban knows up to {SCHEMA_VERSION}: "
                "update laban, or name another file (--db FILE)."
            )
        if version is None:
            self._create()
        elif version < SCHEMA_VERSION:
            self._update(version)

    def _schema_version(self) -> int | None:
        """The version in `meta`; None when the database is empty."""
        with self._session.cursor() as cursor:
            tables = {name for (name,) in cursor.execute(sql("connection/tables")).fetchall()}
            if not tables:
                return None
            rows = cursor.execute(sql("connection/schema_version")).fetchall() if "meta" in tables else []
        if rows:
            return int(rows[0][0])
        raise StoreForeign(
            f"{self.path} is a DuckDB file, but not one of laban's: it holds "
            f"{', '.join(sorted(tables)[:5])}. It was left as it is; name another file (--db FILE)."
        )

    def _update(self, version: int) -> None:
        """Bring the tables of an older version up to this one."""
        if self.read_only:
            raise StoreError(
                f"{self.path} was written by an older laban: `laban serve --db FILE` brings it up to date."
            )
        with self.writing() as cursor:
            cursor.execute(sql("connection/schema"))
            for older in range(version, SCHEMA_VERSION):
                cursor.execute(sql(f"connection/update_from_{older}"))
        self.checkpoint()

    def _create(self) -> None:
        """Create the tables, then checkpoint: a log that begins with a schema change replays worst."""
        if self.read_only:
            raise StoreForeign(f"{self.path} holds no tables: no collector has written to it yet.")
        with self.writing() as cursor:
            cursor.execute(sql("connection/schema"))
            cursor.execute(sql("connection/set_schema_version"), [str(SCHEMA_VERSION)])
        self.checkpoint()


def wal_of(path: Path) -> Path:
    """The write-ahead log that DuckDB keeps beside a file."""
    return path.with_name(f"{path.name}.wal")


def _connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open the file, and settle the session."""
    connection = duckdb.connect(path, read_only=read_only, config=_CONFIG)
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET GLOBAL lock_configuration = true")
    except BaseException:
        connection.close()
        raise
    return connection
