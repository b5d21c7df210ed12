"""Finds the ranges of commits that a query has to read, from the digests and the newest keys."""

import itertools
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index import bloom
from laban_collector.store.duckdb.index.keys import LAST, WORDS_PER_KEY, CommitRange, Consumer
from laban_collector.store.duckdb.index.last_spans import Ends, LastSpan, ends_of
from laban_collector.store.duckdb.index.newest_keys import NewestKeys

_MAX_PARTS: Final = 16
"""Maximum number of parts of a query; each part runs a query, so further neighbours are joined."""
_FEW_KEYS: Final = 32
"""Maximum number of keys of joined neighbours: a query compares each row with each key."""
_MAX_AGE: Final = 1.0
"""Seconds until digests are read again. Newer commits are found without a digest."""


class Part(NamedTuple):
    """A range of commits, and the keys of a query that it may hold."""

    commits: CommitRange
    keys: frozenset[int]


_Digest = tuple[int, int, bytes, Sequence[dict[str, str]], Sequence[dict[str, Any]] | None]
EVERYTHING: Final = CommitRange(0, LAST)


class CommitRanges:
    """The digests of one database, in memory. Thread-safe.

    Args:
        database: holds the digests.
        clock: monotonic seconds.

    Attributes:
        newest: the keys of the commits that have no digest yet.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._next = 0
        self._ranges: dict[int, list[CommitRange]] = {}
        """Ranges by the number of words in their filters."""
        self._filters: dict[int, bloom.Words] = {}
        """One filter per row, by the number of words."""
        self._consumers: dict[CommitRange, frozenset[Consumer]] = {}
        self._last_spans: dict[CommitRange, Ends | None] = {}
        self.newest = NewestKeys(database)

    def forget(self) -> None:
        """Forget all digests: the database is another one now."""
        with self._lock:
            self._read_at, self._next = None, 0
            self._ranges, self._filters, self._consumers, self._last_spans = {}, {}, {}, {}
        self.newest.forget()

    def consumers(self) -> tuple[int | None, set[Consumer]]:
        """Return the first commit that has to be read, None if none, and the consumers in all others."""
        with self._lock:
            self._refresh()
            known = {consumer for digest in self._consumers.values() for consumer in digest}
            first = self._next
        unread, newest = self.newest.consumers(first)
        return unread, known | newest

    def last_spans(self) -> tuple[int, list[tuple[CommitRange, Ends | None]]]:
        """Return the first commit without a digest, and the ends of the last spans in each range before it.

        Of a range with too many services, the ends are None: it has to be read.
        """
        with self._lock:
            self._refresh()
            return self._next, list(self._last_spans.items())

    def read_newest(self) -> None:
        """Read the keys of the commits without a digest if queries read these commits; not for two threads.

        Raises:
            StoreError: DuckDB refused.
        """
        if not self.newest.are_wanted:
            return
        with self._lock:
            self._refresh(max_age=0)
            first = self._next
        self.newest.read(first)

    def that_may_hold(self, keys: Collection[int]) -> list[Part]:
        """Return the ranges that may hold some of these keys, in file order; all other ranges hold none."""
        if not keys:
            return []
        numbers = np.array(list(keys), np.uint64)
        hashes = bloom.hash_numbers(numbers)
        found: list[Part] = []
        with self._lock:
            self._refresh()
            first = self._next
            for size, filters in self._filters.items():
                held = bloom.may_hold(filters, hashes, WORDS_PER_KEY)
                found += [
                    Part(self._ranges[size][row], frozenset(numbers[held[row]].tolist()))
                    for row in np.flatnonzero(held.any(axis=1))
                ]
        for commits, held in self.newest.that_may_hold(first, hashes):
            found.append(Part(commits, frozenset(numbers[held].tolist())))
        return joined(sorted(found, key=lambda part: part.commits), _MAX_PARTS) if found else []

    def _refresh(self, max_age: float = _MAX_AGE) -> None:
        now = self._clock()
        if self._read_at is not None and now < self._read_at + max_age:
            return
        with self._database.reading() as cursor:
            [(oldest,)] = cursor.execute(sql("index/oldest_digest")).fetchall()
            rows = cursor.execute(sql("index/digests_from"), {"first": self._next}).fetchall()
        self._read_at = now
        self._forget(oldest)
        self._add(rows)

    def _forget(self, oldest: int | None) -> None:
        """Drop the digests that the retention deleted."""
        for size, ranges in list(self._ranges.items()):
            kept = [row for row, one in enumerate(ranges) if oldest is not None and one.first >= oldest]
            if len(kept) < len(ranges):
                self._ranges[size] = [ranges[row] for row in kept]
                self._filters[size] = self._filters[size][kept]
        for one in [one for one in self._consumers if oldest is None or one.first < oldest]:
            del self._consumers[one], self._last_spans[one]

    def _add(self, rows: Sequence[_Digest]) -> None:
        new: dict[int, list[bloom.Words]] = {}
        for first, last, content, consumers, spans in rows:
            words = np.frombuffer(content, "<u8").astype(np.uint64)
            new.setdefault(len(words), []).append(words)
            self._ranges.setdefault(len(words), []).append(CommitRange(first, last))
            self._consumers[CommitRange(first, last)] = frozenset(
                Consumer(one["topic"], one["consumer_group"], one["service"]) for one in consumers
            )
            ends = None if spans is None else ends_of(LastSpan(**one) for one in spans)
            self._last_spans[CommitRange(first, last)] = ends
            self._next = max(self._next, last + 1)
        for size, filters in new.items():
            known = self._filters.get(size, np.empty((0, size), np.uint64))
            self._filters[size] = np.concatenate([known, np.stack(filters)])


def joined(parts: Sequence[Part], most: int) -> list[Part]:
    """Join parts until at most `most` are left: neighbours with few keys first, then the nearest.

    Args:
        parts: in file order; at least one.
        most: at least one.
    """
    packed = [parts[0]]
    for part in parts[1:]:
        both = _union([packed[-1], part])
        if _gap(packed[-1], part) <= 1 and len(both.keys) <= _FEW_KEYS:
            packed[-1] = both
        else:
            packed.append(part)
    gaps = [_gap(before, after) for before, after in itertools.pairwise(packed)]
    widest = sorted(range(len(gaps)), key=lambda number: gaps[number], reverse=True)[: most - 1]
    borders = [0, *(number + 1 for number in sorted(widest)), len(packed)]
    return [_union(packed[begin:end]) for begin, end in itertools.pairwise(borders)]


def _union(parts: Sequence[Part]) -> Part:
    last = max(part.commits.last for part in parts)
    return Part(CommitRange(parts[0].commits.first, last), frozenset().union(*(part.keys for part in parts)))


def _gap(before: Part, after: Part) -> int:
    return after.commits.first - before.commits.last
