"""One DuckDB instance with cursors for many threads; reopens the database after a fatal error."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from laban_collector.errors import StoreDamaged, StoreUnwritable
from laban_collector.store.duckdb.connection.open_errors import ends_instance, is_damage

_log = logging.getLogger(__name__)

RETRY: Final = 1.0
"""Seconds between two attempts to reopen a database; in between, requests for a cursor fail at once."""
_DRAIN_TIME: Final = 5.0
"""Seconds to wait for open cursors before a database is reopened; each call on such a cursor fails."""


@dataclass(frozen=True, eq=False)
class _Use:
    """An open cursor: who took it, and when."""

    thread: str
    since: float


class Session:
    """Cursors of one database.

    After an error that DuckDB calls fatal, such as a full disk during a checkpoint, the database answers no
    query until it is closed and opened again. After a commit that failed, for example for lack of memory, it
    answers, but rows in memory may be torn, and it may never checkpoint again. In both cases the next request
    for a cursor reopens it; opening it recovers every committed row.

    Args:
        path: the file, for messages.
        connect: opens the file.
    """

    def __init__(self, path: Path, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._path = path
        self._connect = connect
        self._connection = connect()
        self._changed = threading.Condition()
        self._cursors: set[_Use] = set()
        self._fatal: str | None = None
        self._try_at = 0.0
        self._replacing = False

    @property
    def failure(self) -> str | None:
        """The reason why the database is not open; None while it answers."""
        return self._fatal

    @contextmanager
    def cursor(self) -> Generator[duckdb.DuckDBPyConnection, None, None]:
        """Yield a cursor; at the end, roll back uncommitted changes, and drop registered tables.

        Raises:
            StoreUnwritable: the database was invalidated, and cannot be reopened yet.
            duckdb.Error: DuckDB refused.
        """
        cursor, use = self._take()
        try:
            with cursor:
                yield cursor
        except duckdb.Error as error:
            if ends_instance(error):
                self._give_up(error)
            raise
        finally:
            with self._changed:
                self._cursors.remove(use)
                self._changed.notify_all()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def replace(self, move: Callable[[], None], prepare: Callable[[duckdb.DuckDBPyConnection], None]) -> None:
        """Close the file, and open the one that has its name after `move`; nobody uses it before `prepare`.

        Raises:
            StoreUnwritable: queries are still running; nothing was done.
            duckdb.Error: the other file cannot be opened. There are no cursors until a further call succeeds.
        """
        with self._changed:
            self._replacing = True
            if not self._changed.wait_for(lambda: not self._cursors, _DRAIN_TIME):
                self._replacing = False
                raise StoreUnwritable(f"{self._path}: queries are still running on the damaged file.")
            self._connection.close()
            self._fatal = "the damaged file was set aside"
            move()
            self._connection = self._connect()
            prepare(self._connection)
            self._fatal = None
            self._replacing = False

    def wait_for_open_cursors(self, seconds: float) -> str | None:
        """Wait until the cursors that are open now have closed; return which have not in that time."""
        with self._changed:
            older = set(self._cursors)
            if self._changed.wait_for(lambda: older.isdisjoint(self._cursors), seconds):
                return None
            now = time.monotonic()
            left = sorted(older & self._cursors, key=lambda use: use.since)
            return ", ".join(f"{use.thread} for {now - use.since:.0f} s" for use in left)

    def _take(self) -> tuple[duckdb.DuckDBPyConnection, _Use]:
        with self._changed:
            if self._replacing:
                raise StoreDamaged(f"{self._path} is damaged. It is being set aside; try again.")
            if self._fatal is not None:
                self._reopen()
            cursor, use = self._connection.cursor(), _Use(threading.current_thread().name, time.monotonic())
            self._cursors.add(use)
            return cursor, use

    def _give_up(self, error: duckdb.Error) -> None:
        with self._changed:
            if self._fatal is None:
                self._fatal = str(error)
                _log.error("%s: DuckDB cannot go on with the database: %s. Reopening it.", self._path, error)

    def _reopen(self) -> None:
        """Wait for the last cursor to close, then reopen the database; call it with the lock held."""
        if not self._changed.wait_for(lambda: self._fatal is None or not self._cursors, _DRAIN_TIME):
            raise StoreUnwritable(f"{self._path}: the database was invalidated, and is still in use.")
        if self._fatal is None:  # another thread has done it
            return
        if time.monotonic() < self._try_at:
            raise StoreUnwritable(f"{self._path}: {self._fatal}")
        self._try_at = time.monotonic() + RETRY
        self._connection.close()
        try:
            self._connection = self._connect()
        except duckdb.Error as error:
            if is_damage(error):
                raise
            raise StoreUnwritable(f"{self._path} cannot be opened again yet: {error}") from error
        self._fatal = None
        _log.warning("%s: reopened, with every committed row.", self._path)
