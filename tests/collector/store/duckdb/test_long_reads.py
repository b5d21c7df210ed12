"""A question that takes long, such as an export, does not keep the log from being written to the file."""

import pytest

from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.index.digests import Digester
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from .edges.test_counter import count as count_edges
from .edges.test_counter import random_commits, store
from .profiles.test_counter import count as count_profiles
from .random_shop import shop


def test_a_checkpoint_waits_for_no_reader_after_all_that_a_collector_does(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laban_collector.store.duckdb.connection.database._READERS_S", 0.0)
    writer = DuckDBWriter(database)
    commits = random_commits(shop(20), 8, 1)
    store(writer, commits[:4])
    count_edges(database)
    count_profiles(database)
    with database.reading() as cursor:
        [(before,)] = cursor.execute("SELECT count(*) FROM spans").fetchall()
        store(writer, commits[4:])
        counter = count_edges(database)
        counter.compact()
        assert Digester(database, 1).catch_up() > 0
        count_profiles(database)
        assert Retention(database, RetentionLimits(size=1), pause=lambda _: False).run().spans > 0
        database.checkpoint()
        assert cursor.execute("SELECT count(*) FROM spans").fetchall() == [(before,)]
    assert before == sum(map(len, commits[:4]))
