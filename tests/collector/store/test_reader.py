import pytest

from laban_collector.store.base import Lag
from laban_collector.store.duckdb import reader
from laban_collector.store.duckdb.database import Database
from laban_collector.store.duckdb.reader import DuckDBReader
from laban_collector.store.duckdb.writer import DuckDBWriter

from ..requests import START


def test_of_too_many_polls_the_newest_are_given_by_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    polls = [Lag(START + second, "c", "email", "orders", 0, 5, 9, 0, 4, 1.5, "OK") for second in range(5)]
    DuckDBWriter(database).write_lag(polls)
    monkeypatch.setattr(reader, "MAX_ROWS", 3)
    assert DuckDBReader(database).lag_between(START, START + 5) == polls[2:]
