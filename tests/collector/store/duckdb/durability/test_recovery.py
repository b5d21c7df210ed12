import logging
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from laban_collector.errors import StoreDamaged, StoreError, StoreLocked, StoreUnwritable
from laban_collector.ingest.journal import Journal
from laban_collector.ingest.ledger import LedgerReport, check_ledger
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.loader import JournalLoader
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.duckdb.connection.open_errors import open_error
from laban_collector.store.duckdb.durability.log_entries import intact_length, is_torn
from laban_collector.store.duckdb.durability.recovery import open_or_quarantine
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.sidecar_files import quarantined, ring_path

from ....requests import span
from ..connection.test_session import full_disk
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


def test_a_database_that_another_process_has_open_is_not_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    write_commits(path, 0)
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreLocked):
            open_or_quarantine(path, now)
        other.communicate()
    assert quarantined(path) == []


@pytest.mark.parametrize("signal", ["TERM", "KILL"])  # INT is ignored below some job runners
def test_a_trial_that_is_ended_from_outside_says_nothing_about_the_file(
    tmp_path: Path, signal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, program = tmp_path / "a.duckdb", tmp_path / "ended"
    write_commits(path, 0)
    program.write_text(f"#!/bin/sh\nkill -{signal} $$\n")
    program.chmod(0o700)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(program))
        with pytest.raises(StoreError, match="Nothing was changed"):
            open_or_quarantine(path, now)
    assert quarantined(path) == []
    assert check(path).commits == 1


@pytest.mark.parametrize(
    "error",
    [
        duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate data of size 16 MiB"),
        duckdb.IOException('IO Error: Cannot open file "a.duckdb": Too many open files'),
        duckdb.IOException('IO Error: Cannot open file "a.duckdb": Permission denied'),
    ],
)
def test_a_refusal_of_the_operating_system_is_no_damage(error: duckdb.Error) -> None:
    assert not isinstance(open_error(Path("a.duckdb"), error), StoreDamaged)


def killed_after(path: Path, *numbers: int) -> Path:
    """Copy a database with commits that are only in its log, as a killed collector leaves it."""
    copy = path.with_name(f"killed-{path.name}")
    with Database.open(path) as database:
        tables = DuckDBWriter(database)
        for number in numbers:
            tables.write(batch(span(number)))
        for source, target in ((path, copy), (wal_of(path), wal_of(copy))):
            shutil.copyfile(source, target)
    return copy


def torn(log: Path) -> bytes:
    """Change a log as if the last page of its last entry had not been written."""
    content = log.read_bytes()
    log.write_bytes(content[:-600] + bytes(600))
    return log.read_bytes()


def test_an_entry_that_was_written_in_part_is_cut_off_and_nothing_is_quarantined(tmp_path: Path) -> None:
    path = killed_after(tmp_path / "a.duckdb", 0, 1, 2)
    content = torn(wal_of(path))
    assert is_torn(content[intact_length(content) :])
    assert check(path).commits == 2
    assert quarantined(path) == []


def test_the_rescue_gets_the_whole_log_of_a_damaged_file(tmp_path: Path) -> None:
    path = killed_after(tmp_path / "a.duckdb", 0, 1, 2)
    LedgerRing.open(ring_path(path)).close()
    content = torn(wal_of(path))
    damage(path, 30)
    assert check(path).commits == 0
    damaged = path.with_name(f"{path.name}.damaged-20261123T120000Z")
    assert wal_of(damaged).read_bytes() == content


def test_a_damaged_log_stays_if_there_is_no_space_to_cut_it(tmp_path: Path) -> None:
    path = killed_after(tmp_path / "a.duckdb", 0, 1, 2)
    content = bytearray(wal_of(path).read_bytes())
    content[intact_length(bytes(content)) // 2] ^= 1
    wal_of(path).write_bytes(content)
    with full_disk(0), pytest.raises(StoreUnwritable, match="Free space"):
        open_or_quarantine(path, now)
    assert wal_of(path).read_bytes() == content
    assert quarantined(path) == []
    assert check(path).commits < 3


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
