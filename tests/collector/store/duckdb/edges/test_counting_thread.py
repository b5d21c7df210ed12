import threading
from collections.abc import Callable, Generator

import pytest

from laban_collector.errors import StoreError
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.edges import counting_thread
from laban_collector.store.duckdb.edges.counter import EdgeCounter
from laban_collector.store.duckdb.edges.counting_thread import EdgeCountingThread
from laban_collector.store.duckdb.index.commit_ranges import CommitRanges
from laban_collector.store.duckdb.write.writer import DuckDBWriter

from ....requests import span
from ..write.test_writer import batch


class Clock:
    """Stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def thread(database: Database, clock: Clock) -> Generator[EdgeCountingThread, None, None]:
    made = EdgeCountingThread(database, CommitRanges(database), clock)
    made.start(0)
    yield made
    made.stop()


@pytest.fixture
def store(database: Database, thread: EdgeCountingThread) -> Callable[..., None]:
    writer = DuckDBWriter(database)

    def stored(*numbers: int, awaited: bool = False) -> None:
        writer.write(batch(*map(span, numbers)))
        thread.stored(writer.sequence, len(numbers), awaited)

    return stored


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Generator[threading.Event, None, None]:
    """Nothing is counted until this is set."""
    go, count_next = threading.Event(), EdgeCounter.count_next

    def wait(counter: EdgeCounter) -> int | None:
        assert go.wait(30)
        return count_next(counter)

    monkeypatch.setattr(EdgeCounter, "count_next", wait)
    yield go
    go.set()


def last_counted(database: Database) -> int:
    return EdgeCounter(database, CommitRanges(database)).counted()


def test_who_waits_finds_all_counted(
    database: Database, thread: EdgeCountingThread, store: Callable[..., None]
) -> None:
    store(1)
    store(2, 3)
    assert thread.uncounted == 3
    thread.settle()
    assert (thread.uncounted, last_counted(database)) == (0, 2)


def test_of_a_flood_nobody_waits_for_the_newest(
    monkeypatch: pytest.MonkeyPatch,
    thread: EdgeCountingThread,
    store: Callable[..., None],
    held: threading.Event,
    clock: Clock,
) -> None:
    monkeypatch.setattr(counting_thread, "FLOOD", 2)
    store(1, 2, 3)
    assert thread.flooded
    thread.settle()  # returns
    assert thread.uncounted == 3
    clock.now += 11  # seconds without any more
    assert not thread.flooded
    held.set()
    thread.settle()
    assert thread.uncounted == 0


def test_of_a_flood_too_what_somebody_stored_and_waited_for_is_counted(
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    thread: EdgeCountingThread,
    store: Callable[..., None],
) -> None:
    monkeypatch.setattr(counting_thread, "FLOOD", 2)
    store(1, 2, 3, awaited=True)
    thread.settle()
    assert last_counted(database) == 1


def test_for_what_takes_very_long_nobody_waits(
    monkeypatch: pytest.MonkeyPatch,
    thread: EdgeCountingThread,
    store: Callable[..., None],
    held: threading.Event,
) -> None:
    monkeypatch.setattr(counting_thread, "MANY", 2)
    store(1, 2, 3)
    thread.settle()  # returns
    assert thread.uncounted == 3
    held.set()


def test_what_an_earlier_process_left_is_counted(database: Database) -> None:
    writer = DuckDBWriter(database)
    writer.write(batch(span(1), span(2)))
    thread = EdgeCountingThread(database, CommitRanges(database))
    thread.start(writer.sequence)
    assert thread.uncounted == 2
    thread.stop()
    assert last_counted(database) == 1


@pytest.mark.parametrize("error", [StoreError("no room"), ValueError("no room")])
def test_who_cannot_count_says_so_once_and_goes_on(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    database: Database,
    thread: EdgeCountingThread,
    store: Callable[..., None],
) -> None:
    monkeypatch.setattr(counting_thread, "_RETRY", 0.01)
    count_next, failed = EdgeCounter.count_next, threading.Semaphore(0)

    def fail(_: EdgeCounter) -> int | None:
        failed.release()
        raise error

    monkeypatch.setattr(EdgeCounter, "count_next", fail)
    store(1)
    thread.settle()  # returns, for it cannot be counted
    assert failed.acquire(timeout=30)
    assert failed.acquire(timeout=30)  # it tries again
    monkeypatch.setattr(EdgeCounter, "count_next", count_next)
    while last_counted(database) < 1:
        thread.settle()
    assert [record.message for record in caplog.records] == [
        "Calls and messages cannot be counted: no room. Trying again."
    ]
