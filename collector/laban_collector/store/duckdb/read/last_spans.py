"""When services sent their last spans: from the digests, and from the newest commits, which are read once."""

import threading
from collections.abc import Collection
from typing import NamedTuple

import duckdb

from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.keys import LAST, CommitRange
from laban_collector.store.duckdb.index.last_spans import MOST_SERVICES, Ends, ends_of, last_spans_of


class _Newest(NamedTuple):
    """What is known of the commits that have no digest.

    Attributes:
        first: the first of them.
        last: the last one that was read.
        spans: the number of their spans.
        ends: of their services; None if there are too many services.
    """

    first: int
    last: int
    spans: int
    ends: Ends | None


class LastSpans:
    """Knows the end of the last span of each service of one database. Thread-safe.

    A digest goes with the last of its commits. The newest commits are read again if one of them is deleted or
    stored once more.

    Args:
        commit_ranges: of the database.
    """

    def __init__(self, commit_ranges: CommitRanges) -> None:
        self._commit_ranges = commit_ranges
        self._lock = threading.Lock()
        self._newest: _Newest | None = None

    def of(self, cursor: duckdb.DuckDBPyConnection, services: Collection[str]) -> dict[str, int]:
        """Return the end (ns) of the last span of each of these services that has one.

        Args:
            cursor: of the database.
            services: names, with or without the namespace: `shop/order`.
        """
        first, parts = self._commit_ranges.last_spans()
        newest = self._read_newest(cursor, first)
        if newest is not None:
            parts.append((CommitRange(first, LAST), newest.ends))
        found: dict[str, int] = {}
        for commits, known in parts:
            ends = ends_of(last_spans_of(cursor, commits, services) or ()) if known is None else known
            for service in services:
                if service in ends:
                    found[service] = max(ends[service], found.get(service, ends[service]))
        return found

    def _read_newest(self, cursor: duckdb.DuckDBPyConnection, first: int) -> _Newest | None:
        """Read the commits without a digest that were not read before; None if there are none."""
        with self._lock:
            known = self._newest
            window = {"first": first, "last": 0 if known is None else max(known.last, 0)}
            [(before, spans, last)] = cursor.execute(sql("index/newest_spans"), window).fetchall()
            if known is None or known.first != first or known.spans != before:
                known = _Newest(first, first - 1, 0, {})
            if last is not None and last > known.last:
                known = _with(cursor, known, CommitRange(known.last + 1, last), spans)
            self._newest = known
            return known if last is not None else None


def _with(cursor: duckdb.DuckDBPyConnection, known: _Newest, new: CommitRange, spans: int) -> _Newest:
    """What is known together with some later commits; their spans are so many together."""
    found = None if known.ends is None else last_spans_of(cursor, new)
    if known.ends is None or found is None:
        return known._replace(last=new.last, spans=spans, ends=None)
    ends = dict(known.ends)
    for name, last in ends_of(found).items():
        ends[name] = max(last, ends.get(name, last))
    return known._replace(last=new.last, spans=spans, ends=ends if len(ends) <= 2 * MOST_SERVICES else None)
