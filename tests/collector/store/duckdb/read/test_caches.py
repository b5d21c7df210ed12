from pathlib import Path

from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ....requests import START, span
from ..write.test_writer import batch

MS = 1_000_000
S = 1_000_000_000


def test_the_extent_grows_with_new_spans_and_shrinks_with_deleted_ones(database: Database) -> None:
    times = iter([START, START + S, START + 2 * S])
    writer, reader = DuckDBWriter(database, times.__next__), DuckDBReader(database)
    assert reader.extent() is None
    writer.write(batch(span(5)))
    assert reader.extent() == (START + 5 * MS, START + 5 * MS)
    writer.write(batch(span(9)))
    assert reader.extent() == (START + 5 * MS, START + 9 * MS)
    writer.write(batch(span(7), span(2)))  # late
    assert reader.extent() == (START + 2 * MS, START + 9 * MS)
    Retention(database, RetentionLimits(age=0.5), lambda: START + 2 * S).run()
    assert reader.extent() == (START + 2 * MS, START + 7 * MS)


def test_commits_without_new_spans_do_not_change_the_extent(tmp_path: Path) -> None:
    with Database.open(tmp_path / "a.duckdb") as database:
        writer, reader = DuckDBWriter(database), DuckDBReader(database)
        writer.load([batch(span(1))], 1)
        assert reader.extent() == (START + MS, START + MS)
        writer.load([batch(span(1))], 2)
        assert reader.extent() == (START + MS, START + MS)
