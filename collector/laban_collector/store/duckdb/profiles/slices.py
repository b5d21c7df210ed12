"""Adds up counts: of slices that were counted in parts, and of the oldest slices when there are too many."""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.sql import sql

_AT_ONCE: Final = 100_000
"""Rows that are added up at once; limits the memory."""
_NEAR: Final = 10
"""Slices that may lie between two that are added up together: those are added up, too."""
_LEFT: Final = 0.8
"""The share of the allowed rows that is left, so that not every call has something to add up."""


class Level(NamedTuple):
    """When slices become longer.

    Attributes:
        minutes: the length that they get.
        most: rows of shorter slices that are kept; beyond that, the oldest slices become longer.
    """

    minutes: int
    most: int


LEVELS: Final = (Level(10, 100_000), Level(60, 250_000))
"""Decided by rows and not by age: a small system keeps slices of a minute for days, and so does an imported
file, whatever its times are. A busy one keeps them for some hours, then slices of ten minutes for a day."""

_Group = tuple[int, int, int]
"""First minute of the first and of the last slice, and the number of rows."""


class Slices:
    """The slices of time by which a store keeps the counts of profiles. Only one thread may use it.

    Args:
        database: open for writing.
        levels: by length.
    """

    def __init__(self, database: Database, levels: Iterable[Level] = LEVELS) -> None:
        self._database = database
        self._levels = tuple(levels)

    def compact(self, touched: Collection[int]) -> None:
        """Add up the counts of some minutes, which were counted in parts; and slices beyond what is allowed.

        Raises:
            StoreError: DuckDB refused; the counts stay in parts.
        """
        if touched:
            rows = self._rows(1, min(touched), max(touched))
            self._add_up([one for one in rows if one[0] in touched], 1)
        for level in self._levels:
            self._add_up(self._beyond(level), level.minutes)

    def _beyond(self, level: Level) -> list[tuple[int, int]]:
        """The oldest slices that become longer, and their rows."""
        rows = self._rows(level.minutes)
        left = sum(number for _, number in rows)
        if left <= level.most:
            return []
        beyond = 0
        while left > _LEFT * level.most:
            left -= rows[beyond][1]
            beyond += 1
        return rows[:beyond]

    def _rows(self, minutes: int, first: int = 0, last: int = 2**62) -> list[tuple[int, int]]:
        """The slices of a length, each with its rows of shorter slices, or of a minute, that lie in it."""
        with self._database.reading() as cursor:
            window = {"minutes": minutes, "first": first, "last": last}
            return cursor.execute(sql("profiles/rows_of_slices"), window).fetchall()

    def _add_up(self, slices: Iterable[tuple[int, int]], minutes: int) -> None:
        """Make one slice of a length of all shorter ones in each of these slices."""
        for first, last, _ in _groups(slices, _NEAR * minutes):
            with self._database.writing() as cursor:
                window = {"first": first, "last": last + minutes - 1, "minutes": minutes}
                cursor.execute(sql("profiles/add_up_counts"), window)
                cursor.execute(sql("profiles/delete_counts"), window)
                cursor.execute(sql("profiles/insert_added_up"))


def _groups(slices: Iterable[tuple[int, int]], near: int) -> list[_Group]:
    """Sorted slices in groups that may be added up at once."""
    found: list[_Group] = []
    for at, number in slices:
        if found and at - found[-1][1] <= near and found[-1][2] + number <= _AT_ONCE:
            first, _, rows = found[-1]
            found[-1] = (first, at, rows + number)
        else:
            found.append((at, at, number))
    return found
