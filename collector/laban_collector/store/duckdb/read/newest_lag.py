"""The newest poll of each consumer group and partition; what was read before is not read again."""

import threading
import time
from collections.abc import Callable

import duckdb

from laban_collector.store.base import MAX_ROWS, Lag
from laban_collector.store.duckdb.connection.sql import sql

Partition = tuple[str, str, int, str]
"""Group, topic, partition, cluster."""


class NewestLag:
    """Polls of one database, in memory: there are many a day. Safe to use from several threads.

    Args:
        clock: ns since the epoch; polls of the future are left out.
    """

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: dict[Partition, Lag] = {}

    def rows(self, cursor: duckdb.DuckDBPyConnection) -> list[Lag]:
        """By group, topic and partition."""
        with self._lock:
            times = {row.time for row in self._newest.values()} or {0}
            window = {"since": max(times), "until": self._clock() + 1}
            polls = cursor.execute(sql("read/latest_lag"), window).fetchall()
            if len(times) > 1:  # groups that are polled no more are forgotten with their polls
                [(oldest,)] = cursor.execute(sql("read/oldest_lag")).fetchall()
                kept = {
                    key: row for key, row in self._newest.items() if oldest is not None and row.time >= oldest
                }
                self._newest = kept
            for *polled, rest in polls:
                row = Lag(*polled, *rest.values())
                self._newest[row.group, row.topic, row.partition, row.cluster] = row
            return [row for _, row in sorted(self._newest.items())][:MAX_ROWS]
