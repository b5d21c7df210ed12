"""Log records in the DuckDB store: written, read, kept by copies, and deleted."""

import itertools
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laban_collector.batch.log_batch import LogBatch
from laban_collector.decode.otlp_logs import LogDecoder
from laban_collector.settings import load_settings
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.durability.rescue import rescue
from laban_collector.store.duckdb.durability.rescued_batches import copy_logs
from laban_collector.store.duckdb.housekeeping.export import backup
from laban_collector.store.duckdb.housekeeping.retention import Retention
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ...log_requests import log_body, record
from ...requests import SPAN_ID, START, TRACE_ID
from .older_files import make_older

TRACE = TRACE_ID.hex()
DAY = 86_400
NS = 1_000_000_000


def log_batch(*bodies: str, **fields: Any) -> LogBatch:
    sent: list[dict[str, Any]] = [{"time_unix_nano": START + at} | fields for at in range(len(bodies))]
    records = [record(body, **more) for body, more in zip(bodies, sent, strict=True)]
    return LogDecoder.from_settings(load_settings()).decode([log_body(*records)]).batch


def bodies(database: Database, *traces: str, limit: int = 100) -> list[str | None]:
    return [line.body for line in DuckDBReader(database).logs_of(traces or (TRACE,), limit)]


def test_records_are_read_by_trace_and_in_order(database: Database) -> None:
    writer = DuckDBWriter(database)
    writer.write_logs(log_batch("b", time_unix_nano=START + 2))
    writer.write_logs(log_batch("a", "c"))
    writer.write_logs(log_batch("other", trace_id=b"\1" * 16, time_unix_nano=START + 3))
    assert bodies(database) == ["a", "c", "b"]
    assert bodies(database, limit=2) == ["a", "c"]
    assert bodies(database, "01" * 16, TRACE) == ["a", "c", "b", "other"]
    assert bodies(database, "7" * 32) == []
    [first, *_] = DuckDBReader(database).logs_of([TRACE], 1)
    assert (first.trace_id, first.span_id, first.time) == (TRACE, SPAN_ID.hex(), START)
    assert (first.service, first.severity, first.logger) == ("order", 9, "order.payments")


def test_a_record_that_was_sent_twice_is_read_once(database: Database) -> None:
    writer = DuckDBWriter(database)
    for _ in range(2):
        writer.write_logs(log_batch("a", "b"))
    assert bodies(database) == ["a", "b"]


def test_both_forms_of_a_trace_id_find_its_records(database: Database) -> None:
    writer = DuckDBWriter(database)
    writer.write_logs(log_batch("short", trace_id=bytes(8) + TRACE_ID[8:]))
    writer.write_logs(log_batch("another", trace_id=b"\1" * 8 + TRACE_ID[8:]))
    assert bodies(database) == ["short"]
    assert set(bodies(database, TRACE[16:])) == {"short", "another"}


def test_records_without_a_span_and_without_a_body_are_read(database: Database) -> None:
    DuckDBWriter(database).write_logs(log_batch("", span_id=b""))
    [line] = DuckDBReader(database).logs_of([TRACE], 5)
    assert (line.span_id, line.body, line.attributes) == (None, None, {})


def test_copies_keep_the_records(database: Database, tmp_path: Path) -> None:
    DuckDBWriter(database).write_logs(log_batch("a", "b"))
    for _ in backup(database, tmp_path / "copy.duckdb"):
        pass
    with Database.open(tmp_path / "copy.duckdb") as copy:
        assert bodies(copy) == ["a", "b"]
    rescue(tmp_path / "copy.duckdb", tmp_path / "rescued.duckdb")
    with (
        Database.open(tmp_path / "rescued.duckdb", read_only=True) as rescued,
        Database.open(tmp_path / "new.duckdb") as new,
    ):
        assert bodies(rescued) == ["a", "b"]
        for _ in range(2):
            copy_logs(rescued, new)
        assert bodies(new) == ["a", "b"]
        with new.reading() as cursor:
            assert cursor.execute("SELECT count(*) FROM logs").fetchall() == [(2,)]


def test_an_older_file_gets_the_table(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    Database.open(path).close()
    make_older(path, 8)
    with Database.open(path) as database:
        DuckDBWriter(database).write_logs(log_batch("a"))
        assert bodies(database) == ["a"]
    with duckdb.connect(path) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall() == [
            ("9",)
        ]


@pytest.mark.parametrize(("days", "left"), [(0.5, []), (1.5, ["new"]), (5, ["old", "new"])])
def test_old_records_are_deleted_by_their_own_limit(database: Database, days: float, left: list[str]) -> None:
    times = itertools.count(START, DAY * NS)
    writer = DuckDBWriter(database, times.__next__)
    for number, body in enumerate(("old", "new")):
        writer.write_logs(log_batch(body, time_unix_nano=START + number))
    limits = RetentionLimits(logs=days * DAY)
    deleted = Retention(database, limits, lambda: START + 2 * DAY * NS, lambda _: False).run()
    assert bodies(database) == left
    assert deleted == (0, 0.0, 2 - len(left))
