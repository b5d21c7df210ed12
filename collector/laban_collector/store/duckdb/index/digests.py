"""Where in the file something may be: of each stretch of commits a digest of what is in it.

Ids are random, so that DuckDB, which knows the smallest and the largest value of each group of rows, would
look through all of them for a trace. A digest tells for about a byte a span which ranges can be left out.
Digests are made after the commits; what has none yet is always looked through, so that answers are the same
without any.
"""

from typing import Final

import numpy as np

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql
from laban_collector.store.duckdb.housekeeping.periodic import Repeating
from laban_collector.store.duckdb.index.bloom import Numbers, filter_of

STRETCH: Final = 122_880
"""Spans of a digest: a group of rows, of which DuckDB reads all or nothing."""

_INTERVAL: Final = 1.0
"""Seconds between two looks."""

# What is looked for is one number each, and numbers of different kinds are told apart by these.
_LINKED: Final = 0x5851F42D4C957F2D
_MESSAGE: Final = 0x14057B7EF767814F


def key_of_link(trace_lo: int) -> int:
    """What a digest holds of a link to a trace."""
    return trace_lo ^ _LINKED


def key_of_message(partition: int, offset: int) -> int:
    """What a digest holds of a message; as `digest_keys.sql` computes it."""
    return (partition & 0x7FFF) << 48 ^ offset & 0x7FFF_FFFF_FFFF_FFFF ^ _MESSAGE


class Digester:
    """Makes digests of commit_ranges that have none.

    Args:
        database: open to write.
        stretch: spans of a digest, at least.
    """

    def __init__(self, database: Database, stretch: int = STRETCH) -> None:
        self._database = database
        self._stretch = stretch

    def catch_up(self) -> int:
        """Make all that can be made; returns how many. Only one thread may do that.

        Raises:
            StoreError: DuckDB refused; what was made before stays so.
        """
        made = 0
        while self._make_next():
            made += 1
        return made

    def _make_next(self) -> bool:
        with self._database.reading() as cursor:
            [(first, last)] = cursor.execute(sql("index/digest_next"), {"spans": self._stretch}).fetchall()
            if last is None:
                return False
            bounds = {"first": first, "last": last}
            salts = {"linked": _LINKED, "message": _MESSAGE}
            keys: Numbers = np.asarray(
                cursor.execute(sql("index/digest_keys"), {**bounds, **salts}).fetchnumpy()["key"], np.uint64
            )
        with self._database.writing() as cursor:
            cursor.execute(sql("index/insert_digest"), {**bounds, "filter": filter_of(keys)})
        return True


class DigestThread(Repeating):
    """Makes digests as spans come in, in a thread of its own.

    Args:
        database: open to write.
    """

    def __init__(self, database: Database) -> None:
        super().__init__("laban-digests", _INTERVAL, "No digest of the newest spans yet")
        self._digester = Digester(database)

    def work(self) -> None:
        """Make what can be made."""
        self._digester.catch_up()
