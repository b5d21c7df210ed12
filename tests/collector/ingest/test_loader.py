import logging
import threading
from collections.abc import Callable, Generator, Sequence
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
from laban_collector.store.sidecar_files import ring_path

from ..requests import span
from ..store.duckdb.write.test_writer import batch, counts, with_all


class Tables:
    """Real tables behind a door that can be shut, or be broken."""

    def __init__(self, database: Database) -> None:
        self._tables = DuckDBWriter(database)
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Semaphore(0)
        self.failure: Exception | None = None
        self.loads: list[tuple[int, int]] = []
        self.spans: list[int] = []

    def load(self, batches: Sequence[SpanBatch], sequence: int, *, awaited: bool) -> list[Written]:
        self.entered.release()
        assert self.open.wait(10)
        if self.failure is not None:
            raise self.failure
        written = self._tables.load(batches, sequence, awaited=awaited)
        self.loads.append((len(batches), sequence))
        self.spans.append(sum(batch.spans.num_rows for batch in batches))
        return written


@pytest.fixture
def tables(database: Database) -> Tables:
    return Tables(database)


@contextmanager
def writing(tables: Tables, path: Path) -> Generator[JournalLoader, None, None]:
    ring, journal = LedgerRing.open(ring_path(path)), Journal(path)
    writer = JournalLoader(tables.load, journal, ring, 0)
    writer.start(journal.unloaded())
    try:
        yield writer
    finally:
        tables.open.set()
        writer.stop()
        ring.close()


def names(database: Database) -> list[str]:
    with database.reading() as cursor:
        return [name for (name,) in cursor.execute("SELECT name FROM spans ORDER BY name").fetchall()]


def one(number: int) -> SpanBatch:
    return batch(span(number))


def expected(*numbers: int) -> list[str]:
    return sorted(span(number).name for number in numbers)


def test_what_is_settled_can_be_read(tables: Tables, database: Database) -> None:
    with writing(tables, database.path) as writer:
        writer.write(one(0))
        writer.settle()
        assert names(database) == expected(0)
        writer.settle()  # nothing is left to wait for
        assert writer.unloaded == 0


def test_batches_that_come_during_a_load_share_the_next_one(tables: Tables, database: Database) -> None:
    with writing(tables, database.path) as writer:
        tables.open.clear()
        writer.write(one(0))
        waiting = threading.Thread(target=writer.settle)
        waiting.start()
        assert tables.entered.acquire(timeout=10)
        for number in (1, 2, 3):
            writer.write(one(number))
        assert writer.unloaded == 3
        tables.open.set()
        waiting.join()
        writer.settle()
    assert tables.loads == [(1, 1), (3, 4)]
    assert names(database) == expected(0, 1, 2, 3)


def test_a_stop_loads_what_is_left_and_leaves_no_journal(tables: Tables, database: Database) -> None:
    with writing(tables, database.path) as writer:
        writer.write(one(0))
    assert names(database) == expected(0)
    assert not list(database.path.parent.glob("*.journal-*"))


def test_a_load_waits_for_nobody_longer_than_a_while(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "LONGEST_WAIT", 0.0)
    with writing(tables, database.path) as writer:
        writer.write(one(0))
        assert tables.entered.acquire(timeout=10)


def broken(tables: Tables) -> None:
    tables.failure = StoreError("no room")


def test_what_cannot_be_loaded_is_tried_again_and_senders_are_put_off_when_it_is_too_much(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loader, "ENOUGH", 2)
    monkeypatch.setattr(loader, "RETRY", 0.01)
    with writing(tables, database.path) as writer:
        broken(tables)
        written = 0
        with pytest.raises(StoreError, match="cannot be loaded: no room"):  # noqa: PT012 - one of them does
            for number in range(10):
                writer.write(one(number))
                written += 1
                writer.settle()
        assert written >= 4
        assert writer.failure == "no room"
        tables.failure = None
        eventually(lambda: writer.failure is None)
        writer.settle()
    assert names(database) == expected(*range(written))
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_what_could_not_be_loaded_before_the_stop_is_loaded_at_the_next_start(
    tables: Tables, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with writing(tables, database.path) as writer:
        broken(tables)
        writer.write(one(0))
        writer.write(one(1))
    assert "stay in the journal" in caplog.text
    assert names(database) == []
    tables.failure = None
    with writing(tables, database.path) as writer:
        assert names(database) == expected(0, 1)
        writer.write(one(2))
    assert names(database) == expected(0, 1, 2)
    assert tables.loads == [(2, 2), (1, 3)]


@pytest.mark.parametrize("restarted", [False, True])
def test_what_is_over_a_row_group_goes_into_the_next_load(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch, *, restarted: bool
) -> None:
    monkeypatch.setattr(loader, "ENOUGH", 4)
    monkeypatch.setattr(loader, "RETRY", 0.01)
    sent = [batch(*(with_all(number) for number in range(at, at + 3))) for at in (0, 3, 6)]
    broken(tables)
    with writing(tables, database.path) as writer:
        for each in sent:
            writer.write(each)
        writer.settle()
        if not restarted:
            tables.failure = None
            eventually(lambda: tables.spans == [4, 4, 1])
    tables.failure = None
    with writing(tables, database.path):
        assert counts(database)[0] == 9
    assert tables.spans == [4, 4, 1]


def test_a_journal_that_was_damaged_meanwhile_is_told(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "RETRY", 0.01)
    broken(tables)
    with writing(tables, database.path) as writer:
        writer.write(one(0))
        writer.settle()
        [written] = database.path.parent.glob("*.journal-*")
        content = written.read_bytes()
        written.write_bytes(bytes([*content[:-1], content[-1] ^ 1]))
        tables.failure = None
        eventually(lambda: writer.failure == "The journal is damaged: 0 of 1 batches are whole")
        written.write_bytes(content)
        eventually(lambda: writer.failure is None)
    assert names(database) == expected(0)


def test_what_was_loaded_and_not_dropped_is_not_stored_again(tables: Tables, database: Database) -> None:
    with writing(tables, database.path) as writer:
        writer.write(one(0))
        journal = {path: path.read_bytes() for path in database.path.parent.glob("*.journal-*")}
    for path, content in journal.items():
        path.write_bytes(content)
    with writing(tables, database.path):
        assert names(database) == expected(0)


def test_a_defect_in_loading_is_told_and_tried_again(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loader, "RETRY", 0.01)
    with writing(tables, database.path) as writer:
        tables.failure = ZeroDivisionError("a defect")
        writer.write(one(0))
        writer.settle()
        assert writer.failure == "ZeroDivisionError('a defect')"
        assert caplog.records[0].exc_info is not None
        tables.failure = None
        eventually(lambda: writer.failure is None)
    assert names(database) == expected(0)


def test_who_asks_is_told_what_was_new_in_a_batch(tables: Tables, database: Database) -> None:
    with writing(tables, database.path) as writer:
        writer.write(batch(span(0), span(1)))
        assert writer.write_through(batch(span(1), span(2), span(3), span(3))) == Written(2, 2)
        assert writer.write_through(batch(span(0))) == Written(0, 1)
        assert writer.write_through(batch()) == Written(0, 0)
    assert names(database) == expected(0, 1, 2, 3)
    assert tables.loads == [(2, 2), (1, 3)]


def test_who_asks_is_told_when_it_cannot_be_stored_yet(tables: Tables, database: Database) -> None:
    with writing(tables, database.path) as writer:
        broken(tables)
        with pytest.raises(StoreError, match="not in the tables yet: no room"):
            writer.write_through(one(0))
        tables.failure = None


def test_large_spans_are_enough_sooner(
    tables: Tables, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "ENOUGH_BYTES", 1)
    monkeypatch.setattr(loader, "LONGEST_WAIT", 3600.0)
    with writing(tables, database.path) as writer:
        writer.write(one(0))
        assert tables.entered.acquire(timeout=10)


def eventually(condition: Callable[[], bool]) -> None:
    changed = threading.Event()
    for _ in range(1000):
        if condition():
            return
        changed.wait(0.01)
    raise AssertionError("it did not happen")
