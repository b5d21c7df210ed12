import logging
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

import pytest

from laban_collector.batch.span_batch import SpanBatch
from laban_collector.errors import StoreError
from laban_collector.ingest import loader
from laban_collector.ingest.journal import Journal
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.loader import JournalLoader
from laban_collector.store.base import Written
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.sidecar_files import journal_paths, ring_path

from ..requests import span
from ..store.duckdb.write.test_writer import batch, counts, with_all


class Tables:
    """A real writer that can be blocked, or made to fail."""

    def __init__(self, database: Database) -> None:
        self._tables = DuckDBWriter(database)
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.failure: Exception | None = None
        self.loads: list[tuple[int, int]] = []
        self.spans: list[int] = []

    def load(self, batches: Iterable[SpanBatch], sequence: int, *, awaited: bool) -> list[Written]:
        parts = list(batches)
        self.entered.release()
        assert self.open.wait(10)
        if self.failure is not None:
            raise self.failure
        written = self._tables.load(parts, sequence, awaited=awaited)
        self.loads.append((len(parts), sequence))
        self.spans.append(sum(batch.spans.num_rows for batch in parts))
        return written


@pytest.fixture
def tables(database: Database) -> Tables:
    return Tables(database)


@contextmanager
def running(tables: Tables, path: Path) -> Generator[JournalLoader, None, None]:
    ring, journal = LedgerRing.open(ring_path(path)), Journal(path)
    journal_loader = JournalLoader(tables.load, journal, ring, 0)
    journal_loader.start()
    try:
        yield journal_loader
    finally:
        tables.open.set()
        journal_loader.stop()
        ring.close()


def stored_names(database: Database) -> list[str]:
    with database.reading() as cursor:
        return [name for (name,) in cursor.execute("SELECT name FROM spans ORDER BY name").fetchall()]


def batch_of(number: int) -> SpanBatch:
    return batch(span(number))


def names_of(*numbers: int) -> list[str]:
    return sorted(span(number).name for number in numbers)


def test_spans_can_be_read_after_settling(tables: Tables, database: Database) -> None:
    with running(tables, database.path) as journal_loader:
        journal_loader.write(batch_of(0))
        journal_loader.settle()
        assert stored_names(database) == names_of(0)
        journal_loader.settle()  # returns at once
        assert journal_loader.unloaded == 0


def test_batches_that_arrive_during_a_load_share_the_next_load(tables: Tables, database: Database) -> None:
    with running(tables, database.path) as journal_loader:
        tables.open.clear()
        journal_loader.write(batch_of(0))
        waiting = threading.Thread(target=journal_loader.settle)
        waiting.start()
        assert tables.entered.acquire(timeout=10)
        for number in (1, 2, 3):
            journal_loader.write(batch_of(number))
        assert journal_loader.unloaded == 3
        tables.open.set()
        waiting.join()
        journal_loader.settle()
    assert tables.loads == [(1, 1), (3, 4)]
    assert stored_names(database) == names_of(0, 1, 2, 3)


def test_stopping_loads_the_remaining_batches_and_deletes_the_journal(
    tables: Tables, database: Database
) -> None:
    with running(tables, database.path) as journal_loader:
        journal_loader.write(batch_of(0))
    assert stored_names(database) == names_of(0)
    assert not list(database.path.parent.glob("*.journal-*"))


def test_a_batch_is_loaded_after_the_longest_wait(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "LONGEST_WAIT", 0.0)
    with running(tables, database.path) as journal_loader:
        journal_loader.write(batch_of(0))
        assert tables.entered.acquire(timeout=10)


def break_tables(tables: Tables) -> None:
    tables.failure = StoreError("no room")


def test_a_failed_load_is_retried_and_batches_are_refused_when_the_journal_is_full(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loader, "ENOUGH", 2)
    monkeypatch.setattr(loader, "RETRY", 0.01)
    with running(tables, database.path) as journal_loader:
        break_tables(tables)
        written = 0
        with pytest.raises(StoreError, match="cannot be loaded: no room"):  # noqa: PT012 - one of the writes raises
            for number in range(10):
                journal_loader.write(batch_of(number))
                written += 1
                journal_loader.settle()
        assert written >= 4
        assert journal_loader.failure == "no room"
        tables.failure = None
        eventually(lambda: journal_loader.failure is None)
        journal_loader.settle()
    assert stored_names(database) == names_of(*range(written))
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_batches_that_could_not_be_loaded_are_loaded_at_the_next_start(
    tables: Tables, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with running(tables, database.path) as journal_loader:
        break_tables(tables)
        journal_loader.write(batch_of(0))
        journal_loader.write(batch_of(1))
    assert "stay in the journal" in caplog.text
    assert stored_names(database) == []
    tables.failure = None
    with running(tables, database.path) as journal_loader:
        journal_loader.settle()
        assert stored_names(database) == names_of(0, 1)
        journal_loader.write(batch_of(2))
    assert stored_names(database) == names_of(0, 1, 2)
    assert tables.loads == [(2, 2), (1, 3)]


@pytest.mark.parametrize("restarted", [False, True])
def test_spans_beyond_a_row_group_go_into_the_next_load(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    monkeypatch.setattr(loader, "ENOUGH", 4)
    monkeypatch.setattr(loader, "RETRY", 0.01)
    sent = [batch(*(with_all(number) for number in range(at, at + 3))) for at in (0, 3, 6)]
    break_tables(tables)
    with running(tables, database.path) as journal_loader:
        for one in sent:
            journal_loader.write(one)
        journal_loader.settle()
        if not restarted:
            tables.failure = None
            eventually(lambda: tables.spans == [4, 4, 1])
    tables.failure = None
    with running(tables, database.path) as journal_loader:
        journal_loader.settle()
        assert counts(database)[0] == 9
    assert tables.spans == [4, 4, 1]


def test_a_damaged_batch_in_the_journal_is_reported_and_the_others_are_loaded(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "RETRY", 0.01)
    break_tables(tables)
    lost: list[int] = []
    with running(tables, database.path) as journal_loader:
        journal_loader.on_loss = lambda _, sequences: lost.extend(sequences)
        for number in range(3):
            journal_loader.write(batch_of(number))
        journal_loader.settle()
        [file] = database.path.parent.glob("*.journal-0")
        content = file.read_bytes()
        file.write_bytes(bytes([*content[:100], content[100] ^ 1, *content[101:]]))
        tables.failure = None
        eventually(lambda: journal_loader.failure is None and journal_loader.unloaded == 0)
    assert len(lost) == 1
    assert sorted([*stored_names(database), *names_of(*[one - 1 for one in lost])]) == names_of(0, 1, 2)


def test_batches_that_were_loaded_but_not_dropped_are_not_stored_again(
    tables: Tables, database: Database
) -> None:
    with running(tables, database.path) as journal_loader:
        journal_loader.write(batch_of(0))
        journal = {path: path.read_bytes() for path in database.path.parent.glob("*.journal-*")}
    for path, content in journal.items():
        path.write_bytes(content)
    with running(tables, database.path) as journal_loader:
        journal_loader.settle()
        assert stored_names(database) == names_of(0)


def test_batches_are_taken_while_those_of_an_earlier_process_are_loaded(
    tables: Tables, database: Database
) -> None:
    with running(tables, database.path) as journal_loader:
        break_tables(tables)
        journal_loader.write(batch_of(0))
        journal_loader.write(batch_of(1))
    tables.failure = None
    tables.open.clear()
    with running(tables, database.path) as journal_loader:
        assert tables.entered.acquire(timeout=10)
        assert journal_loader.left == 2
        journal_loader.write(batch_of(2))
        assert stored_names(database) == []
        tables.open.set()
        journal_loader.settle()
        assert journal_loader.left == 0
        assert stored_names(database) == names_of(0, 1, 2)
    assert tables.loads == [(2, 2), (1, 3)]


def test_a_journal_whose_files_are_all_full_is_emptied_before_batches_are_taken(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "ENOUGH", 1)
    break_tables(tables)
    files = len(journal_paths(database.path))
    with running(tables, database.path) as journal_loader:
        for number in range(files):
            journal_loader.write(batch_of(number))
    assert all(path.exists() for path in journal_paths(database.path))
    with pytest.raises(StoreError, match="cannot be loaded: no room"), running(tables, database.path):
        pass
    tables.failure = None
    with running(tables, database.path) as journal_loader:
        journal_loader.write(batch_of(files))
    assert stored_names(database) == names_of(*range(files + 1))


def test_an_unexpected_error_is_logged_and_the_load_is_retried(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loader, "RETRY", 0.01)
    with running(tables, database.path) as journal_loader:
        tables.failure = ZeroDivisionError("a defect")
        journal_loader.write(batch_of(0))
        journal_loader.settle()
        assert journal_loader.failure == "ZeroDivisionError('a defect')"
        assert caplog.records[0].exc_info is not None
        tables.failure = None
        eventually(lambda: journal_loader.failure is None)
    assert stored_names(database) == names_of(0)


def test_a_write_through_returns_how_many_spans_were_new(tables: Tables, database: Database) -> None:
    with running(tables, database.path) as journal_loader:
        journal_loader.write(batch(span(0), span(1)))
        assert journal_loader.write_through(batch(span(1), span(2), span(3), span(3))) == Written(2, 2)
        assert journal_loader.write_through(batch(span(0))) == Written(0, 1)
        assert journal_loader.write_through(batch()) == Written(0, 0)
    assert stored_names(database) == names_of(0, 1, 2, 3)
    assert tables.loads == [(2, 2), (1, 3)]


def test_a_write_through_fails_while_spans_cannot_be_loaded(tables: Tables, database: Database) -> None:
    with running(tables, database.path) as journal_loader:
        break_tables(tables)
        with pytest.raises(StoreError, match="not in the tables yet: no room"):
            journal_loader.write_through(batch_of(0))
        tables.failure = None


def test_large_spans_fill_a_load_by_bytes(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "ENOUGH_BYTES", 1)
    monkeypatch.setattr(loader, "LONGEST_WAIT", 3600.0)
    with running(tables, database.path) as journal_loader:
        journal_loader.write(batch_of(0))
        assert tables.entered.acquire(timeout=10)


def eventually(condition: Callable[[], bool]) -> None:
    changed = threading.Event()
    for _ in range(1000):
        if condition():
            return
        changed.wait(0.01)
    raise AssertionError("the condition did not become true")
