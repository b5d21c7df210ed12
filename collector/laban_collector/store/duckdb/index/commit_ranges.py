"""Which commits a question has to look through, as the digests tell."""

import itertools
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index.bloom import may_hold

_LAST: Final = (1 << 64) - 1
_MOST: Final = 8
"""Parts of a question; more are joined, the nearest first, for each one costs a query."""
_FEW: Final = 32
"""Keys that neighbours may be asked for together: a query compares each row with each key."""
_FRESH: Final = 1.0
"""Seconds that what is known of digests is used. Newer commits are looked through, digested or not."""


class Consumer(NamedTuple):
    """A group that reads a topic, and the service that does."""

    topic: str
    group: str
    service: str


class CommitRange(NamedTuple):
    """Commits from `first` to `last`, both included."""

    first: int
    last: int


class Part(NamedTuple):
    """Commits, and which of the keys of a question they may hold."""

    commits: CommitRange
    keys: frozenset[int]


EVERYTHING: Final = CommitRange(0, _LAST)


class CommitRanges:
    """The digests of one database, in memory. Safe to use from several threads.

    Args:
        database: to read them from.
        clock: seconds.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._next = 0
        self._ranges: dict[int, list[CommitRange]] = {}
        self._filters: dict[int, NDArray[np.uint8]] = {}
        self._consumers: dict[CommitRange, frozenset[Consumer]] = {}

    def consumers(self) -> tuple[int, set[Consumer]]:
        """The first commit that may have no digest, and all consumers before it."""
        with self._lock:
            self._refresh()
            return self._next, {consumer for digest in self._consumers.values() for consumer in digest}

    def that_may_hold(self, keys: Collection[int]) -> list[Part]:
        """In the order of the file: everything outside of these has none of the keys."""
        if not keys:
            return []
        numbers = np.array(list(keys), np.uint64)
        with self._lock:
            self._refresh()
            found = [Part(CommitRange(self._next, _LAST), frozenset(keys))]
            for size, filters in self._filters.items():
                held = may_hold(filters, numbers)
                found += [
                    Part(self._ranges[size][row], frozenset(numbers[held[row]].tolist()))
                    for row in np.flatnonzero(held.any(axis=1))
                ]
        return joined(sorted(found, key=lambda part: part.commits), _MOST)

    def _refresh(self) -> None:
        now = self._clock()
        if self._read_at is not None and now < self._read_at + _FRESH:
            return
        with self._database.reading() as cursor:
            [(oldest,)] = cursor.execute(sql("index/oldest_digest")).fetchall()
            rows = cursor.execute(sql("index/digests_from"), {"first": self._next}).fetchall()
        self._read_at = now
        self._forget(oldest)
        self._add(rows)

    def _forget(self, oldest: int | None) -> None:
        """Those that the retention has deleted."""
        for size, ranges in list(self._ranges.items()):
            kept = [row for row, one in enumerate(ranges) if oldest is not None and one.first >= oldest]
            if len(kept) < len(ranges):
                self._ranges[size] = [ranges[row] for row in kept]
                self._filters[size] = self._filters[size][kept]
        for one in [one for one in self._consumers if oldest is None or one.first < oldest]:
            del self._consumers[one]

    def _add(self, rows: Sequence[tuple[int, int, bytes, Sequence[dict[str, str]]]]) -> None:
        new: dict[int, list[NDArray[np.uint8]]] = {}
        for first, last, content, consumers in rows:
            new.setdefault(len(content), []).append(np.frombuffer(content, np.uint8))
            self._ranges.setdefault(len(content), []).append(CommitRange(first, last))
            self._consumers[CommitRange(first, last)] = frozenset(
                Consumer(*each.values()) for each in consumers
            )
            self._next = max(self._next, last + 1)
        for size, filters in new.items():
            known = self._filters.get(size, np.empty((0, size), np.uint8))
            self._filters[size] = np.concatenate([known, np.stack(filters)])


def joined(parts: Sequence[Part], most: int) -> list[Part]:
    """So many parts at most that cover these: neighbours with few keys are joined, then the nearest.

    Args:
        parts: in their order; at least one.
        most: at least one.
    """
    packed = [parts[0]]
    for part in parts[1:]:
        both = _one([packed[-1], part])
        if _gap(packed[-1], part) <= 1 and len(both.keys) <= _FEW:
            packed[-1] = both
        else:
            packed.append(part)
    gaps = [_gap(before, after) for before, after in itertools.pairwise(packed)]
    widest = sorted(range(len(gaps)), key=lambda number: gaps[number], reverse=True)[: most - 1]
    borders = [0, *(number + 1 for number in sorted(widest)), len(packed)]
    return [_one(packed[begin:end]) for begin, end in itertools.pairwise(borders)]


def _one(parts: Sequence[Part]) -> Part:
    last = max(part.commits.last for part in parts)
    return Part(CommitRange(parts[0].commits.first, last), frozenset().union(*(part.keys for part in parts)))


def _gap(before: Part, after: Part) -> int:
    return after.commits.first - before.commits.last
