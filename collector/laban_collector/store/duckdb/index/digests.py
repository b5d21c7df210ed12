"""Digests: summaries of ranges of commits, so that queries can skip the other ranges.

Ids are random, so DuckDB cannot skip row groups by their minimum and maximum values. A digest takes about a
byte per span. Digests are computed after the commits. A commit without a digest is always read, so answers do
not depend on digests.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from laban_collector.periodic import PeriodicThread
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.index import bloom
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.keys import WORDS_PER_KEY, CommitRange, keys_of_commits
from laban_collector.store.duckdb.index.last_spans import LastSpan, last_spans_of

SPANS: Final = 122_880
"""Spans of a digest: as many as a row group, which DuckDB reads as a whole or not at all."""
_INTERVAL: Final = 1.0
"""Seconds between two runs."""
_BITS_PER_KEY: Final = 16


class Digester:
    """Computes digests of commits that have none.

    Args:
        database: open for writing.
        spans: minimum number of spans in a digest.
    """

    def __init__(self, database: Database, spans: int = SPANS) -> None:
        self._database = database
        self._spans = spans

    def catch_up(self) -> int:
        """Compute all missing digests, and return their number. Only one thread may call it.

        Raises:
            StoreError: DuckDB refused; earlier digests stay.
        """
        made = 0
        while self._make_next():
            made += 1
        return made

    def _make_next(self) -> bool:
        with self._database.reading() as cursor:
            [(first, last)] = cursor.execute(sql("index/digest_next"), {"spans": self._spans}).fetchall()
            if last is None:
                return False
            commits = CommitRange(first, last)
            keys = keys_of_commits(cursor, commits)
            spans = last_spans_of(cursor, commits)
        with self._database.writing() as cursor:
            digest = {**commits._asdict(), "filter": _filter_of(keys), **_columns_of(spans)}
            cursor.execute(sql("index/insert_digest"), digest)
        return True


class DigestThread(PeriodicThread):
    """Computes digests as spans arrive, and reads the keys of the commits that have none.

    Args:
        database: open for writing.
        commit_ranges: of the same database.
    """

    def __init__(self, database: Database, commit_ranges: CommitRanges) -> None:
        super().__init__("laban-digests", _INTERVAL, "The newest spans have no digest yet")
        self._digester = Digester(database)
        self._commit_ranges = commit_ranges

    def work(self) -> None:
        """Compute the missing digests, and read the keys of the newest commits."""
        self._digester.catch_up()
        self._commit_ranges.read_newest()


def _columns_of(spans: Sequence[LastSpan] | None) -> dict[str, object]:
    """The parameters of `insert_digest.sql` for the last spans of the services."""
    return {
        "few": spans is not None,
        "services": [span.service for span in spans or ()],
        "namespaces": [span.namespace for span in spans or ()],
        "ends": [span.last for span in spans or ()],
    }


def _filter_of(keys: bloom.Numbers) -> bytes:
    words = np.zeros(bloom.words_for(len(keys), _BITS_PER_KEY), np.uint64)
    bloom.add(words, bloom.hash_numbers(keys), WORDS_PER_KEY)
    return words.astype("<u8").tobytes()
