"""From when to when spans are stored; what was looked at before is not looked at again."""

import threading

import duckdb

from laban_collector.store.duckdb.connection.sql import sql

Times = tuple[int, int]


class Extent:
    """Of one database, in memory: while spans come in, DuckDB would look at all of them.

    Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._oldest: int | None = None
        self._newest = 0
        self._times: Times | None = None

    def times(self, cursor: duckdb.DuckDBPyConnection) -> Times | None:
        """The starts of the first and the last span, ns since the epoch; None while there is none."""
        with self._lock:
            [(oldest, newest)] = cursor.execute(sql("read/oldest_and_newest_commit")).fetchall()
            if oldest != self._oldest:  # nothing is known yet; or the first ones are forgotten
                [(first, last)] = cursor.execute(sql("read/extent")).fetchall()
                self._times = None if first is None else (first, last)
                self._oldest, self._newest = oldest, newest
            elif newest is not None and newest > self._newest:
                [(first, last)] = cursor.execute(sql("read/extent_since"), {"known": self._newest}).fetchall()
                if first is not None:
                    known = self._times or (first, last)
                    self._times = (min(first, known[0]), max(last, known[1]))
                self._newest = newest
            return self._times
