"""Slices of profiles: which become longer, and that no count is lost."""

import random

import pytest

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.profiles.slices import Level, Slices

from ..write.test_writer import rows

_HOUR = 29_000_040 // 60 * 60
_LENGTHS = """
SELECT minutes, count(*), min(minute)::BIGINT, max(minute)::BIGINT FROM profiles
GROUP BY minutes ORDER BY minutes
"""
_SUM = """
SELECT entry, step, measure, bucket, sum(count)::BIGINT
FROM (SELECT entry, step, measure, unnest(buckets) AS bucket, unnest(counts) AS count FROM profiles)
GROUP BY ALL ORDER BY ALL
"""


def insert(database: Database, *counts: tuple[int, int]) -> None:
    """Insert counts of a minute, in slices of a length."""
    with database.writing() as cursor:
        for minute, minutes in counts:
            cursor.execute(
                "INSERT INTO profiles VALUES (?, ?, 1, 1, 0, [0, ?], [1, 2])",
                (minute, minutes, minute % 7 + 1),
            )


def test_the_oldest_slices_become_longer_when_there_are_too_many(database: Database) -> None:
    insert(database, *((_HOUR + minute, 1) for minute in range(100)))
    Slices(database, [Level(10, 100)]).compact(())
    assert rows(database, _LENGTHS) == [(1, 100, _HOUR, _HOUR + 99)], "whatever their age is"
    Slices(database, [Level(10, 99)]).compact(())
    assert rows(database, _LENGTHS) == [(1, 70, _HOUR + 30, _HOUR + 99), (10, 3, _HOUR, _HOUR + 20)]
    Slices(database, [Level(10, 99), Level(60, 50)]).compact(())
    assert rows(database, _LENGTHS) == [(1, 40, _HOUR + 60, _HOUR + 99), (60, 1, _HOUR, _HOUR)]


@pytest.mark.parametrize("seed", range(5))
def test_no_count_is_lost(database: Database, seed: int) -> None:
    generator = random.Random(seed)  # noqa: S311 - nothing secret
    slices = Slices(database, [Level(10, 60), Level(60, 100)])
    for _ in range(6):
        touched = {_HOUR + generator.randrange(2_000) for _ in range(30)}
        insert(database, *((minute, 1) for minute in touched))
        before = rows(database, _SUM)
        slices.compact(touched)
        assert rows(database, _SUM) == before
        assert rows(database, "SELECT minute FROM profiles WHERE minute % minutes <> 0") == []


def test_only_what_was_counted_is_added_up(database: Database) -> None:
    insert(database, *((_HOUR + minute, 1) for minute in (0, 0, 1, 1, 50, 50)))
    Slices(database).compact({_HOUR, _HOUR + 50})
    found = rows(database, "SELECT minute::BIGINT, count(*) FROM profiles GROUP BY minute ORDER BY minute")
    assert found == [(_HOUR, 1), (_HOUR + 1, 2), (_HOUR + 50, 1)]
