"""One DuckDB instance that many threads take cursors of, opened anew when DuckDB has given it up."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from laban_collector.errors import StoreUnwritable

_log = logging.getLogger(__name__)

RETRY: Final = 1.0
"""Seconds between two attempts to open a database that was given up; meanwhile it refuses at once."""

_LEAVING: Final = 5.0
"""Seconds that the cursors of a database that was given up have to be left in; each call on one fails."""


class Session:
    """Cursors of one database.

    After an error that DuckDB calls fatal, as when the disk is full in a checkpoint, it answers nothing any
    more until it is closed and opened again, which also brings back all that was committed. The next cursor
    that is asked for does that.

    Args:
        path: the file, for what is said about it.
        connect: opens the file.
    """

    def __init__(self, path: Path, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._path = path
        self._connect = connect
        self._connection = connect()
        self._changed = threading.Condition()
        self._cursors = 0
        self._fatal: str | None = None
        self._try_at = 0.0

    @property
    def failure(self) -> str | None:
        """Why the database is given up and not open again yet; None when all is well."""
        return self._fatal

    @contextmanager
    def cursor(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """A cursor; leaving it rolls back what is not committed, and forgets registered tables.

        Raises:
            StoreUnwritable: the database was given up and cannot be opened yet.
            duckdb.Error: DuckDB refused.
        """
        cursor = self._take()
        try:
            with cursor:
                yield cursor
        except duckdb.Error as error:
            if isinstance(error, duckdb.FatalException) or "has been invalidated" in str(error):
                self._give_up(error)
            raise
        finally:
            with self._changed:
                self._cursors -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _take(self) -> duckdb.DuckDBPyConnection:
        with self._changed:
            if self._fatal is not None:
                self._open_anew()
            cursor = self._connection.cursor()
            self._cursors += 1
            return cursor

    def _give_up(self, error: duckdb.Error) -> None:
        with self._changed:
            if self._fatal is None:
                self._fatal = str(error)
                _log.error("%s: DuckDB gave the database up: %s. Opening it anew.", self._path, error)

    def _open_anew(self) -> None:
        """With the lock held: close the database when its last cursor is left, and open it again."""
        if not self._changed.wait_for(lambda: self._fatal is None or self._cursors == 0, _LEAVING):
            raise StoreUnwritable(f"{self._path}: the database was given up, and is still being read.")
        if self._fatal is None:  # another thread has done it meanwhile
            return
        if time.monotonic() < self._try_at:
            raise StoreUnwritable(f"{self._path}: {self._fatal}")
        self._try_at = time.monotonic() + RETRY
        self._connection.close()
        try:
            self._connection = self._connect()
        except duckdb.Error as error:
            raise StoreUnwritable(f"{self._path} cannot be opened again yet: {error}") from error
        self._fatal = None
        _log.warning("%s: open again, with all that was committed.", self._path)
