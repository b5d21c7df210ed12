"""Which commits a question has to look through, as the digests tell."""

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laban_collector.store.duckdb.bloom import may_hold
from laban_collector.store.duckdb.database import Database, sql

_LAST: Final = (1 << 64) - 1
_MOST: Final = 8
"""Ranges of a question; more are joined, the nearest first, for each one costs a query."""
_FRESH: Final = 1.0
"""Seconds that what is known of digests is used. Newer commits are looked through, digested or not."""


class Consumer(NamedTuple):
    """A group that reads a topic, and the service that does."""

    topic: str
    group: str
    service: str


class Range(NamedTuple):
    """Commits from `first` to `last`, both included."""

    first: int
    last: int


EVERYTHING: Final = Range(0, _LAST)


class Stretches:
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
        self._ranges: dict[int, list[Range]] = {}
        self._filters: dict[int, NDArray[np.uint8]] = {}
        self._consumers: dict[Range, frozenset[Consumer]] = {}

    def consumers(self) -> tuple[int, set[Consumer]]:
        """The first commit that may have no digest, and all consumers before it."""
        with self._lock:
            self._refresh()
            return self._next, {consumer for digest in self._consumers.values() for consumer in digest}

    def that_may_hold(self, keys: Sequence[int]) -> list[Range]:
        """In the order of the file: everything outside of these has none of the keys."""
        numbers = np.array(keys, np.uint64)
        with self._lock:
            self._refresh()
            found = [Range(self._next, _LAST)]
            for size, filters in self._filters.items():
                held = np.flatnonzero(may_hold(filters, numbers)) if len(numbers) else ()
                found += [self._ranges[size][row] for row in held]
        return joined(sorted(found), _MOST)

    def _refresh(self) -> None:
        now = self._clock()
        if self._read_at is not None and now < self._read_at + _FRESH:
            return
        with self._database.reading() as cursor:
            [(oldest,)] = cursor.execute(sql("oldest_digest")).fetchall()
            rows = cursor.execute(sql("digests_from"), {"first": self._next}).fetchall()
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
            self._ranges.setdefault(len(content), []).append(Range(first, last))
            self._consumers[Range(first, last)] = frozenset(Consumer(*each.values()) for each in consumers)
            self._next = max(self._next, last + 1)
        for size, filters in new.items():
            known = self._filters.get(size, np.empty((0, size), np.uint8))
            self._filters[size] = np.concatenate([known, np.stack(filters)])


def joined(ranges: Sequence[Range], most: int) -> list[Range]:
    """So many ranges at most that cover these: neighbours are joined, then the nearest.

    Args:
        ranges: in their order; at least one.
        most: at least one.
    """
    gaps = [after.first - before.last for before, after in itertools.pairwise(ranges)]
    widest = sorted((gap for gap in gaps if gap > 1), reverse=True)[: most - 1]
    smallest = widest[-1] if widest else None
    told = [ranges[0]]
    for gap, after in zip(gaps, ranges[1:], strict=True):
        if smallest is not None and gap >= smallest and len(told) < most:
            told.append(after)
        else:
            told[-1] = Range(told[-1].first, max(told[-1].last, after.last))
    return told
