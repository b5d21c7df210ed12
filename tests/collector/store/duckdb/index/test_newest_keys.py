import itertools
from pathlib import Path

import pytest

from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.index.keys import LAST, Consumer
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ....requests import START
from ..write.test_writer import batch
from .test_digests import COMMITS, QUERIES, consumer, fill, part

ABSENT = 4711


def followed(database: Database, complete: int) -> CommitRanges:
    ranges = CommitRanges(database, itertools.count(0, 10).__next__)
    ranges.newest.follow(lambda: complete)
    return ranges


def read(ranges: CommitRanges) -> None:
    """Read the keys, as the thread does after a question."""
    ranges.that_may_hold([ABSENT])
    ranges.read_newest()


@pytest.mark.parametrize("digested", [False, True])
@pytest.mark.parametrize("complete", [COMMITS, COMMITS - 3])
def test_answers_are_the_same_with_the_newest_keys(
    database: Database, complete: int, *, digested: bool
) -> None:
    fill(database)
    expected = {name: query(DuckDBReader(database)) for name, query in QUERIES.items()}
    if digested:
        assert Digester(database, 5).catch_up()
    ranges = followed(database, complete)
    read(ranges)
    ranges.newest.follow(lambda: COMMITS)
    reader = DuckDBReader(database, commit_ranges=ranges)
    assert {name: query(reader) for name, query in QUERIES.items()} == expected


def test_commits_without_the_key_are_skipped(database: Database) -> None:
    fill(database)
    ranges = followed(database, COMMITS)
    assert ranges.that_may_hold([1]) == [part(0, LAST, 1)]
    read(ranges)
    assert ranges.that_may_hold([ABSENT]) == []
    assert ranges.that_may_hold([1, ABSENT]) == [part(0, COMMITS, 1)]
    assert ranges.consumers() == (None, {Consumer("orders", f"group-{one}", "order") for one in range(12)})


def test_only_new_commits_are_read_until_their_keys_are_known(database: Database) -> None:
    fill(database)
    writer = DuckDBWriter(database)
    ranges = CommitRanges(database)
    ranges.newest.follow(lambda: writer.sequence)
    read(ranges)
    writer.write(batch(consumer(50)))
    assert ranges.that_may_hold([51]) == [part(COMMITS + 1, LAST, 51)]
    assert ranges.consumers()[0] == COMMITS + 1
    ranges.read_newest()
    assert ranges.that_may_hold([51]) == [part(0, COMMITS + 1, 51)]
    assert ranges.that_may_hold([ABSENT]) == []


def test_keys_are_not_read_while_nobody_asks(database: Database) -> None:
    fill(database)
    ranges = followed(database, COMMITS)
    ranges.read_newest()
    assert ranges.that_may_hold([ABSENT]) == [part(0, LAST, ABSENT)]


def test_rows_that_are_added_to_a_known_commit_are_found(database: Database) -> None:
    """After a restart, the journal may load batches under the number of the newest commit."""
    fill(database)
    ranges = followed(database, COMMITS)
    read(ranges)
    DuckDBWriter(database).load([batch(consumer(50))], COMMITS)
    ranges.newest.stored(COMMITS)
    assert ranges.that_may_hold([51]) == [part(0, LAST, 51)]
    reader = DuckDBReader(database, commit_ranges=ranges)
    assert len(reader.spans_of([f"{51:032x}"], START - 1, START + 10**12, 10)) == 1


def test_a_new_digest_takes_the_place_of_keys(database: Database) -> None:
    fill(database)
    ranges = followed(database, COMMITS)
    read(ranges)
    assert Digester(database, 5).catch_up() == 2
    assert ranges.that_may_hold([12, ABSENT]) == [part(11, COMMITS, 12)]
    DuckDBWriter(database).write(batch(consumer(50)))
    ranges.newest.follow(lambda: COMMITS + 1)
    read(ranges)
    assert ranges.that_may_hold([51]) == [part(11, COMMITS + 1, 51)]


def test_the_keys_of_a_file_that_nobody_writes_to_are_read_after_some_questions(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with Database.open(path) as database:
        fill(database)
    with Database.open(path, read_only=True) as closed:
        ranges = CommitRanges(closed)
        asked = [ranges.that_may_hold([ABSENT]) for _ in range(20)]
    assert asked[0] == [part(0, LAST, ABSENT)]
    assert asked[-1] == []
