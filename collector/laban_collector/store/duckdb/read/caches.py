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

_COUNTED: Final = 200_000
_COUNT_AGAIN: Final = 60.0
"""Seconds after which the traces of more spans are counted again."""

_RECENTLY: Final = 10**9
"""ns; see `NewestLagCache`."""


class SpanExtentCache:
    """The first and the last start of the spans from a time on, of one database. Thread-safe.

    Without this cache, DuckDB would read all spans to answer while spans arrive.

    Args:
        since: ns since the epoch; earlier spans do not count.
    """

    def __init__(self, since: int) -> None:
        self._since = since
        self._lock = threading.Lock()
        self._oldest: int | None = None
        self._newest = 0
        self._times: Times | None = None
        self._beyond: int | None = None

    def times(self, cursor: duckdb.DuckDBPyConnection, until: int) -> Times | None:
        """Return the starts of the first and the last span before `until`, ns; None without spans.

        Args:
            cursor: of the database.
            until: ns since the epoch. Fastest if it never decreases.
        """
        with self._lock:
            [(oldest, newest)] = cursor.execute(sql("read/oldest_and_newest_commit")).fetchall()
            if oldest != self._oldest or self._has_crossed(until):  # first use, or commits were deleted
                self._read_all(cursor, until)
                self._oldest, self._newest = oldest, newest
            elif newest is not None and newest > self._newest:
                self._read_after(cursor, self._newest, until)
                self._newest = newest
            return self._times

    def _has_crossed(self, until: int) -> bool:
        """Whether known spans are on another side of `until` than before."""
        later = self._beyond is not None and self._beyond < until
        return later or (self._times is not None and self._times[1] >= until)

    def _read_all(self, cursor: duckdb.DuckDBPyConnection, until: int) -> None:
        self._times, self._beyond = None, None
        [(first, last)] = cursor.execute(sql("read/extent")).fetchall()
        if first is not None and self._since <= first and last < until:
            self._times = (first, last)
        elif first is not None:
            self._read_after(cursor, 0, until)

    def _read_after(self, cursor: duckdb.DuckDBPyConnection, commit: int, until: int) -> None:
        parameters = {"known": commit, "since": self._since, "until": until}
        [(first, last, beyond)] = cursor.execute(sql("read/extent_after"), parameters).fetchall()
        if first is not None:
            known = self._times or (first, last)
            self._times = (min(first, known[0]), max(last, known[1]))
        if beyond is not None:
            self._beyond = beyond if self._beyond is None else min(beyond, self._beyond)


class SpanExtentCaches(dict[int, SpanExtentCache]):
    """A cache for each start of the window; there are two: the year 2000, and 1970."""

    def __missing__(self, since: int) -> SpanExtentCache:
        return self.setdefault(since, SpanExtentCache(since))


class ServiceCounts:
    """The number of spans of each service of one database; reads only those of new commits. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._commits: tuple[int | None, int] = (None, 0)
        """The oldest and the newest commit of the known spans."""
        self._spans: dict[str, int] = {}

    def of(self, cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """Return the number of spans by service."""
        with self._lock:
            [(oldest, newest)] = cursor.execute(sql("read/oldest_and_newest_commit")).fetchall()
            if oldest != self._commits[0]:  # first use, or commits were deleted
                self._commits, self._spans = (oldest, 0), {}
            known = self._commits[1]
            if newest is not None and newest > known:
                found = cursor.execute(sql("read/spans_of_services"), {"known": known}).fetchall()
                for service, spans in found:
                    self._spans[service] = self._spans.get(service, 0) + spans
                self._commits = (oldest, newest)
            return dict(self._spans)


class TraceCount:
    """The number of traces of one database: of many spans, about, and counted anew only now and then.

    Thread-safe.

    Args:
        clock: monotonic seconds.
        most: spans up to which their traces are counted exactly, at each question.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = _COUNTED) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._counted: tuple[float, int, int] | None = None
        """When it was counted, and how many spans and traces there were."""

    def of(self, cursor: duckdb.DuckDBPyConnection, spans: int) -> tuple[int, bool]:
        """Return the number of traces of this many spans, and whether it is an estimate.

        Between two counts, the traces of the new spans are taken to be as large as those before.
        """
        if spans <= self._most:
            [(traces,)] = cursor.execute(sql("read/traces")).fetchall()
            return traces, False
        with self._lock:
            now = self._clock()
            again = self._counted is not None and now >= self._counted[0] + _COUNT_AGAIN
            if self._counted is None or spans < self._counted[1] or (again and spans != self._counted[1]):
                [(traces,)] = cursor.execute(sql("read/traces_about")).fetchall()
                self._counted = (now, spans, traces)
            _, counted, traces = self._counted
            return round(traces * spans / counted), True


class NewestLagCache:
    """The newest poll of each consumer group and partition of one database. Thread-safe.

    Args:
        polls: returns the number of stored polls, if it is known; while it is the same, polls are read again
            only after a second, in case that some were deleted.
        clock: ns since the epoch; polls in the future are ignored.
    """

    def __init__(
        self, polls: Callable[[], int] | None = None, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._polls = polls
        self._clock = clock
        self._lock = threading.Lock()
        self._newest: dict[Partition, Lag] = {}
        self._read: tuple[int, int] | None = None
        """The number of polls at the last read, and its time."""

    def rows(self, cursor: duckdb.DuckDBPyConnection) -> list[Lag]:
        """Return the newest polls by group, topic and partition."""
        with self._lock:
            now, number = self._clock(), None if self._polls is None else self._polls()
            if self._read is not None and self._read[0] == number and 0 <= now - self._read[1] < _RECENTLY:
                return self._rows()
            times = {row.time for row in self._newest.values()} or {0}
            window = {"since": self._begin(), "until": now + 1}
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
            self._read = None if number is None else (number, now)
            return self._rows()

    def _rows(self) -> list[Lag]:
        return [row for _, row in sorted(self._newest.items())][:MAX_ROWS]

    def _begin(self) -> int:
        """Return the time from which polls may be new: clusters are polled at different times."""
        newest: dict[str, int] = {}
        for row in self._newest.values():
            newest[row.cluster] = max(newest.get(row.cluster, 0), row.time)
        return max(min(newest.values(), default=0), max(newest.values(), default=0) - _LATE)
