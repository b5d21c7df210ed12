import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from laban_collector.errors import StoreDamaged, StoreLocked
from laban_collector.ingest.journal import Journal
from laban_collector.ingest.ledger import LedgerReport, check_ledger
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.loader import JournalLoader
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.duckdb.durability.recovery import open_or_quarantine
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.sidecar_files import quarantined, ring_path

from ....requests import span
from ..write.test_writer import batch

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def now() -> datetime:
    return NOW


def write_commits(path: Path, *numbers: int) -> None:
    """Write one commit per number to a database, and close it cleanly."""
    with Database.open(path) as database:
        ring = LedgerRing.open(ring_path(path))
        tables = DuckDBWriter(database)
        loader = JournalLoader(tables.load, Journal(path), ring, tables.sequence)
        loader.start()
        for number in numbers:
            loader.write(batch(span(number)))
            loader.settle()
        loader.stop()
        ring.close()


def check(path: Path) -> LedgerReport:
    with open_or_quarantine(path, now) as database:
        ring, report = check_ledger(DuckDBStore(database), now=now)
        ring.close()
        return report


def damage(path: Path, at: int) -> bytes:
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)
    return bytes(content)


def test_a_cleanly_closed_database_matches_its_ledger(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    write_commits(path, 0, 1, 2)
    report = check(path)
    assert report.agrees
    assert report.in_words() == "all 3 commits are present"
    assert quarantined(path) == []


def test_a_broken_file_is_quarantined_unchanged_and_a_new_one_is_created(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    write_commits(path, 0)
    broken = damage(path, 30)
    assert check(path).commits == 0
    damaged = path.with_name("a.duckdb.damaged-20261123T120000Z")
    assert quarantined(path) == [damaged, ring_path(damaged)]
    assert damaged.read_bytes() == broken


def test_a_second_broken_file_does_not_overwrite_the_first_one(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    contents: list[bytes] = []
    for number in range(2):
        write_commits(path, number)
        contents.append(damage(path, 30))
        open_or_quarantine(path, now).close()
    files = [file for file in quarantined(path) if file.suffix != ".ledger"]
    assert [file.read_bytes() for file in files] == contents


def test_a_file_that_was_never_a_database_is_not_moved(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("buy milk\n" * 100)
    with pytest.raises(StoreDamaged):
        open_or_quarantine(path, now)
    assert path.read_text() == "buy milk\n" * 100
    assert list(tmp_path.iterdir()) == [path]


def test_a_locked_database_is_not_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    write_commits(path, 0)
    locked = StoreLocked("open elsewhere")

    def refuse(_: Path) -> Database:
        raise locked

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Database, "open", refuse)
        with pytest.raises(StoreLocked):
            open_or_quarantine(path, now)
    assert quarantined(path) == []


def test_missing_commits_are_logged_as_critical_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.duckdb"
    write_commits(path, 0)
    older = path.read_bytes()
    write_commits(path, 1, 2)
    path.write_bytes(older)
    with caplog.at_level(logging.CRITICAL):
        report = check(path)
    words = "the newest 2 acknowledged commits (2 spans) are missing"
    assert report.in_words() == words
    assert f"{path} DOES NOT MATCH THE ACKNOWLEDGED COMMITS: {words}." in caplog.text
    assert check(path).agrees
    assert [file.suffix for file in quarantined(path)] == [".ledger"]


def test_a_commit_with_missing_spans_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    write_commits(path, 0, 1)
    with Database.open(path) as database, database.writing() as cursor:
        cursor.execute("DELETE FROM spans WHERE arrival = 1")
    report = check(path)
    assert (report.different, report.lacking, report.surplus) == (1, 1, 0)
    assert report.in_words() == "1 commits differ (1 spans missing, 0 too many)"


def test_the_copy_of_the_log_is_deleted_after_the_check(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    write_commits(path, 0)
    check(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.duckdb", "a.duckdb.ledger"]
    assert not wal_of(path).exists()
