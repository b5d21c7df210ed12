"""One DuckDB file: opened, made ready, and reached by two doors, one to read and one to write."""

import functools
import importlib.resources
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

import duckdb

from laban_collector.errors import (
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreLocked,
    StoreNotFound,
    StoreTooNew,
)

SCHEMA_VERSION: Final = 1
"""Raised with every change of `schema.sql`; a file with a higher one is refused."""

STORAGE_COMPATIBILITY: Final = "latest"
"""The oldest DuckDB that must read the file. `latest` packs best; files of 2.x will not open in 1.x."""

# A checkpoint every 16 MB, the default, costs a third of the rate and of the space.
_WAL_AUTOCHECKPOINT: Final = "256MB"

_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "storage_compatibility_version": STORAGE_COMPATIBILITY,
    "wal_autocheckpoint": _WAL_AUTOCHECKPOINT,
    # No query reaches another file or the network, and none can turn that back on (lock_configuration).
    # It also turns off the scan of Python variables by name: Arrow tables have to be registered.
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@functools.cache
def sql(name: str) -> str:
    """The text of `queries/{name}.sql`."""
    return _resource(f"queries/{name}.sql")


class Database:
    """One open DuckDB file.

    Any number of threads may read at once; writers wait for each other. Only one process can have the
    file open (see the design, section 1).
    """

    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection, *, read_only: bool) -> None:
        self.path = path
        self.read_only = read_only
        self._connection = connection
        self._connecting = threading.Lock()
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
        _check_place(path, read_only=read_only)
        try:
            connection = duckdb.connect(path, read_only=read_only, config=_CONFIG)
        except duckdb.Error as error:
            raise _open_error(path, error) from error
        database = cls(path, connection, read_only=read_only)
        try:
            database._prepare()
        except BaseException:
            connection.close()
            raise
        return database

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

    def close(self) -> None:
        """Fold the write-ahead log into the file, and let go of it.

        Raises:
            StoreError: the checkpoint failed; what was committed is safe in the log.
        """
        with self._one_writer:
            try:
                if not self.read_only:
                    self._connection.execute("CHECKPOINT")
            except duckdb.Error as error:
                raise StoreError(f"{self.path}: checkpoint failed: {error}") from error
            finally:
                self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _cursor(self, begin: str) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """A cursor in a transaction, committed if the block succeeds; DuckDB's errors become ours."""
        try:
            with self._connecting:
                cursor = self._connection.cursor()
            with cursor:  # closing it rolls back what is not committed, and forgets registered tables
                cursor.execute(begin)
                yield cursor
                cursor.execute("COMMIT")
        except duckdb.Error as error:
            raise StoreError(f"{self.path}: {error}") from error

    def _prepare(self) -> None:
        """Settle the session, check whose file it is, and create what is missing."""
        try:
            self._connection.execute("SET GLOBAL TimeZone = 'UTC'")
            self._connection.execute("SET GLOBAL lock_configuration = true")
            version = self._schema_version()
        except duckdb.Error as error:
            raise _open_error(self.path, error) from error
        if version is not None and version > SCHEMA_VERSION:
            raise StoreTooNew(
                f"{self.path} has schema version {version}, and this laban knows up to {SCHEMA_VERSION}: "
                "update laban, or name another file (--db FILE)."
            )
        if version is None:
            self._create()

    def _schema_version(self) -> int | None:
        """The version in `meta`; None when the database is empty."""
        rows = self._connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        tables = {name for (name,) in rows}
        if not tables:
            return None
        if "meta" in tables:
            rows = self._connection.execute(sql("schema_version")).fetchall()
            if rows:
                return int(rows[0][0])
        raise StoreForeign(
            f"{self.path} is a DuckDB file, but not one of laban's: it holds "
            f"{', '.join(sorted(tables)[:5])}. It was left as it is; name another file (--db FILE)."
        )

    def _create(self) -> None:
        """Create the tables, then checkpoint: a log that begins with a schema change replays worst."""
        if self.read_only:
            raise StoreForeign(f"{self.path} holds no tables: no collector has written to it yet.")
        with self.writing() as cursor:
            cursor.execute(_resource("schema.sql"))
            cursor.execute(sql("set_schema_version"), [str(SCHEMA_VERSION)])
        with self._one_writer:
            self._connection.execute("CHECKPOINT")


def _resource(name: str) -> str:
    return importlib.resources.files(__name__.rpartition(".")[0]).joinpath(name).read_text(encoding="utf-8")


def _check_place(path: Path, *, read_only: bool) -> None:
    """Name the plain mistakes in plain words, before DuckDB names them in its own."""
    if path.is_dir():
        raise StoreError(f"{path} is a directory: name a file (--db FILE).")
    if read_only and not path.exists():
        raise StoreNotFound(f"{path}: there is no such file. Is it the one that `laban serve --db` writes?")
    if not path.absolute().parent.is_dir():
        raise StoreNotFound(f"{path}: its directory does not exist; make it first: mkdir -p {path.parent}")


def _open_error(path: Path, error: duckdb.Error) -> StoreError:
    """What DuckDB's refusal to open means. It has no error codes, so its text decides."""
    text = str(error)
    if "Conflicting lock" in text or "Could not set lock" in text or "being used by another" in text:
        return StoreLocked(
            f"{path} is open in another process: {text}. Ask that process (--url), or stop it first."
        )
    if "read a database file with version" in text or "newer version of DuckDB" in text:
        return StoreTooNew(f"{path} was written by a newer DuckDB: {text}")
    if isinstance(error, duckdb.IOException) and "Permission denied" in text:
        return StoreError(f"{path} cannot be opened: {text}")
    return StoreDamaged(
        f"{path} cannot be read as a database: {text}. It was left as it is; "
        "set it aside (mv) or name another file (--db FILE)."
    )
