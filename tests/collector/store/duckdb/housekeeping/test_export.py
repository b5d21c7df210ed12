import io
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from laban_collector.errors import StoreError
from laban_collector.store.base import EXPORTED_TABLES
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.housekeeping.export import backup, export, export_zip
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ..write.test_writer import batch, rows, with_all

HASH = "SELECT count(*), sum(hash(s)) FROM spans s"


@pytest.fixture
def filled(database: Database) -> Database:
    DuckDBWriter(database).write(batch(*(with_all(number) for number in range(50))))
    return database


def test_every_table_is_exported_to_a_parquet_file(filled: Database, tmp_path: Path) -> None:
    written = sum(export(filled, lambda name: (tmp_path / name).open("wb")))
    counts = {table: pq.read_metadata(tmp_path / f"{table}.parquet").num_rows for table in EXPORTED_TABLES}
    assert counts["spans"] == counts["span_events"] == counts["span_links"] == 50
    assert written == sum(counts.values())
    spans = pq.read_table(tmp_path / "spans.parquet")
    [(names,)] = rows(
        filled,
        "SELECT list(column_name ORDER BY column_index) FROM duckdb_columns() WHERE table_name = 'spans'",
    )
    assert spans.column_names == names
    assert str(spans.schema.field("start").type) == "timestamp[ns]"


def test_all_tables_except_internal_ones_are_exported(database: Database) -> None:
    [(names,)] = rows(database, "SELECT list(table_name) FROM duckdb_tables()")
    assert isinstance(names, list)
    internal = {"meta", "digests", "unmet_links", "edge_totals", "unsettled_edges"}
    assert set(names) - internal == set(EXPORTED_TABLES)


def test_an_archive_contains_the_same_files(filled: Database) -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(export_zip(filled)))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{table}.parquet" for table in EXPORTED_TABLES]
        assert pq.read_table(io.BytesIO(archive.read("spans.parquet"))).num_rows == 50


def test_a_backup_contains_one_state_without_later_spans(filled: Database, tmp_path: Path) -> None:
    before = rows(filled, HASH)
    copying = backup(filled, tmp_path / "copy.duckdb")
    next(copying)
    DuckDBWriter(filled).write(batch(with_all(99)))  # during the backup
    for _ in copying:
        pass
    with Database.open(tmp_path / "copy.duckdb") as copy:
        assert rows(copy, HASH) == before
        assert DuckDBWriter(copy).write(batch(with_all(99))).spans == 1
    assert rows(filled, HASH) != before


def test_a_backup_does_not_overwrite_a_file(filled: Database, tmp_path: Path) -> None:
    target = tmp_path / "copy.duckdb"
    target.write_text("mine")
    with pytest.raises(StoreError, match="overwrites nothing"):
        list(backup(filled, target))
    assert target.read_text() == "mine"


def test_an_aborted_backup_leaves_no_files(filled: Database, tmp_path: Path) -> None:
    target = tmp_path / "copy.duckdb"
    copying = backup(filled, target)
    next(copying)
    copying.close()
    assert not list(tmp_path.glob("copy.duckdb*"))
