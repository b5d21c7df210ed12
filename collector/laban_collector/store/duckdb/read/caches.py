"""Caches of a reader that only grow: rows that were read before are not read again."""

import threading
import time
from collections.abc import Callable
from typing import Final

import duckdb

from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.read.rows import lag_of, named_rows
from laban_collector.store.rows import MAX_ROWS, Lag

Times = tuple[int, int]
Partition = tuple[str, str, int, str]
"""Group, topic, partition, cluster."""

_LATE: Final = 60 * 10**9
"""The longest time, ns, by which the polls of one cluster may be stored later than those of another."""


class SpanExtentCache:
    """The starts of the first and the last span of one database. Thread-safe.

    Without this cache, DuckDB would read all spans to answer while spans arrive.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._oldest: int | None = None
        self._newest = 0
        self._times: Times | None = None

    def times(self, cursor: duckdb.DuckDBPyConnection) -> Times | None:
        """Return the starts of the first and the last span, ns since the epoch; None without spans."""
        with self._lock:
            [(oldest, newest)] = cursor.execute(sql("read/oldest_and_newest_commit")).fetchall()
            if oldest != self._oldest:  # first use, or the oldest commits were deleted
                [(first, last)] = cursor.execute(sql("read/extent")).fetchall()
                self._times = None if first is None else (first, last)
                self._oldest, self._newest = oldest, newest
            elif newest is not None and newest > self._newest:
                parameters = {"known": self._newest}
                [(first, last)] = cursor.execute(sql("read/extent_since"), parameters).fetchall()
                if first is not None:
                    known = self._times or (first, last)
                    self._times = (min(first, known[0]), max(last, known[1]))
                self._newest = newest
            return self._times


class NewestLagCache:
    """The newest poll of each consumer group and partition of one database. Thread-safe.

    Args:
        clock: ns since the epoch; polls in the future are ignored.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: dict[Partition, Lag] = {}

    def rows(self, cursor: duckdb.DuckDBPyConnection) -> list[Lag]:
        """Return the newest polls by group, topic and partition."""
        with self._lock:
            times = {row.time for row in self._newest.values()} or {0}
            window = {"since": self._begin(), "until": self._clock() + 1}
            polls = named_rows(cursor.execute(sql("read/latest_lag"), window))
            if len(times) > 1:  # drop groups whose polls were deleted
                [(oldest,)] = cursor.execute(sql("read/oldest_lag")).fetchall()
                kept = {
                    key: row for key, row in self._newest.items() if oldest is not None and row.time >= oldest
                }
                self._newest = kept
            for poll in polls:
                row = lag_of(poll | poll.pop("rest"))
                self._newest[row.group, row.topic, row.partition, row.cluster] = row
            return [row for _, row in sorted(self._newest.items())][:MAX_ROWS]

    def _begin(self) -> int:
        """Return the time from which polls may be new: clusters are polled at different times."""
        newest: dict[str, int] = {}
        for row in self._newest.values():
            newest[row.cluster] = max(newest.get(row.cluster, 0), row.time)
        return max(min(newest.values(), default=0), max(newest.values(), default=0) - _LATE)
