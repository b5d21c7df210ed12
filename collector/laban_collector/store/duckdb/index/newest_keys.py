"""The keys of the newest commits, which have no digest yet, in memory.

Without them, each query of a story would also read these commits, and planning a query costs more than
running it. They are read only while questions are asked.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index import bloom
from laban_collector.store.duckdb.index.keys import (
    LAST,
    WORDS_PER_KEY,
    CommitRange,
    Consumer,
    keys_of_commits,
)

_WORDS: Final = 1 << 17
"""Of the filter: 1 MB, as many as of the digest of a row group."""
_PATIENCE: Final = 16
"""A file that nobody writes to has no thread that reads the keys: a query does after this many others."""


class _Read(NamedTuple):
    """What is known of some commits; never changed."""

    commits: CommitRange
    filter: bloom.Words
    consumers: frozenset[Consumer]


class NewestKeys:
    """The keys of the commits after the last digest. Thread-safe.

    A commit is read once it is complete: no rows are added to it. That is known for the commits of a writer
    that `follow` names, and for a file that was opened read-only; other commits are always queried.

    Args:
        database: holds the commits.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._complete: Callable[[], int] | None = (lambda: LAST) if database.read_only else None
        self._lock = threading.Lock()
        self._read: _Read | None = None
        self._repeats = 0
        self._queries = 0
        """Queries that had to read commits since their keys were last read."""

    @property
    def are_wanted(self) -> bool:
        """Whether queries had to read commits since their keys were last read."""
        return self._queries > 0

    def follow(self, complete: Callable[[], int]) -> None:
        """Set where to ask for the newest complete commit; all later commits come from there."""
        self._complete = complete

    def forget(self) -> None:
        """Forget all keys: the database is another one now."""
        with self._lock:
            self._read = None
            self._repeats += 1

    def stored(self, sequence: int) -> None:
        """Record a stored commit. One with an earlier number, as after a restart, may be read already."""
        with self._lock:
            if self._read is not None and sequence <= self._read.commits.last:
                self._read = None
                self._repeats += 1

    def that_may_hold(
        self, first: int, hashes: bloom.Numbers
    ) -> Iterator[tuple[CommitRange, NDArray[np.bool_]]]:
        """Yield the ranges of commits from `first` on that may hold some keys, and which keys.

        Args:
            first: the first commit without a digest.
            hashes: of the keys.
        """
        read, unread = self._known(first)
        if read is not None and read.commits.last >= first:
            held = bloom.may_hold(read.filter, hashes, WORDS_PER_KEY)
            if held.any():
                yield CommitRange(first, read.commits.last), held
        if unread is not None:
            yield CommitRange(unread, LAST), np.ones(len(hashes), np.bool_)

    def consumers(self, first: int) -> tuple[int | None, frozenset[Consumer]]:
        """Return the first unread commit from `first` on, None if none, and the consumers before it."""
        read, unread = self._known(first)
        return unread, frozenset() if read is None else read.consumers

    def read(self, first: int) -> None:
        """Read the keys of the complete commits from `first` on.

        Raises:
            StoreError: DuckDB refused.
        """
        with self._lock:
            read, repeats, self._queries = self._read, self._repeats, 0
            complete = -1 if self._complete is None else self._complete()
        known = _Read(CommitRange(first, first - 1), np.zeros(_WORDS, np.uint64), frozenset())
        if read is not None and read.commits.first == first:
            known = read
        new = CommitRange(known.commits.last + 1, complete)
        if new.first > new.last:
            return
        found = self._with(known, new)
        with self._lock:
            if self._repeats == repeats:
                self._read = found

    def _known(self, first: int) -> tuple[_Read | None, int | None]:
        """Return what was read, and the first unread commit from `first` on; None if there is none."""
        if self._database.read_only and self._queries >= _PATIENCE:
            self.read(first)
        with self._lock:
            # Read before the commits are queried: a commit that is complete now is visible to the query.
            complete = LAST if self._complete is None else self._complete()
            read = self._read if self._read is not None and self._read.commits.first <= first else None
            unread = first if read is None else max(first, read.commits.last + 1)
            if unread > complete:
                return read, None
            self._queries += 1
            return read, unread

    def _with(self, known: _Read, new: CommitRange) -> _Read:
        with self._database.reading() as cursor:
            keys = keys_of_commits(cursor, new)
            rows = cursor.execute(sql("index/consumers_of_commits"), new._asdict()).fetchall()
        words = known.filter.copy()
        bloom.add(words, bloom.hash_numbers(keys), WORDS_PER_KEY)
        consumers = known.consumers | {Consumer(*row) for row in rows}
        return _Read(CommitRange(known.commits.first, new.last), words, consumers)
