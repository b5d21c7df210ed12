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
    """A clock that the test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def thread(database: Database, clock: Clock) -> Generator[EdgeCountingThread, None, None]:
    counting = EdgeCountingThread(database, CommitRanges(database), clock=clock)
    counting.start(0)
    yield counting
    counting.stop()


@pytest.fixture
def store(database: Database, thread: EdgeCountingThread) -> Callable[..., None]:
    writer = DuckDBWriter(database)

    def store_spans(*numbers: int, awaited: bool = False) -> None:
        writer.write(batch(*map(span, numbers)))
        thread.stored(writer.sequence, len(numbers), awaited)

    return store_spans


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Generator[threading.Event, None, None]:
    """Block counting until this event is set."""
    released, count_next = threading.Event(), EdgeCounter.count_next

    def wait(counter: EdgeCounter) -> int | None:
        assert released.wait(30)
        return count_next(counter)

    monkeypatch.setattr(EdgeCounter, "count_next", wait)
    yield released
    released.set()


def last_counted(database: Database) -> int:
    return EdgeCounter(database, CommitRanges(database)).counted()


def test_all_spans_are_counted_after_settling(
    database: Database, thread: EdgeCountingThread, store: Callable[..., None]
) -> None:
    store(1)
    store(2, 3)
    assert thread.uncounted == 3
    thread.settle()
    assert (thread.uncounted, last_counted(database)) == (0, 2)


def test_settling_does_not_wait_for_the_newest_spans_of_a_flood(
    monkeypatch: pytest.MonkeyPatch,
    thread: EdgeCountingThread,
    store: Callable[..., None],
    release: threading.Event,
    clock: Clock,
) -> None:
    monkeypatch.setattr(counting_thread, "FLOOD", 2)
    store(1, 2, 3)
    assert thread.flooded
    thread.settle()  # returns
    assert thread.uncounted == 3
    clock.now += 11  # seconds without new spans
    assert not thread.flooded
    release.set()
    thread.settle()
    assert thread.uncounted == 0


def test_settling_does_not_wait_while_spans_keep_coming(
    monkeypatch: pytest.MonkeyPatch,
    thread: EdgeCountingThread,
    store: Callable[..., None],
    release: threading.Event,
    clock: Clock,
) -> None:
    monkeypatch.setattr(counting_thread, "STREAM", 3)
    store(1, 2, 3, 4, 5)
    assert not thread.flooded  # one burst
    for number in (6, 7):
        clock.now += 3
        store(number)
    assert thread.flooded
    thread.settle()  # returns
    assert thread.uncounted == 7
    clock.now += 4.1  # seconds without new spans
    assert not thread.flooded
    release.set()
    thread.settle()
    assert thread.uncounted == 0


def test_settling_waits_for_awaited_spans_even_in_a_flood(
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    thread: EdgeCountingThread,
    store: Callable[..., None],
) -> None:
    monkeypatch.setattr(counting_thread, "FLOOD", 2)
    store(1, 2, 3, awaited=True)
    thread.settle()
    assert last_counted(database) == 1


def test_settling_does_not_wait_for_very_many_spans(
    monkeypatch: pytest.MonkeyPatch,
    thread: EdgeCountingThread,
    store: Callable[..., None],
    release: threading.Event,
) -> None:
    monkeypatch.setattr(counting_thread, "MANY", 2)
    store(1, 2, 3)
    thread.settle()  # returns
    assert thread.uncounted == 3
    release.set()


def test_spans_left_by_an_earlier_process_are_counted(database: Database) -> None:
    writer = DuckDBWriter(database)
    writer.write(batch(span(1), span(2)))
    thread = EdgeCountingThread(database, CommitRanges(database))
    thread.start(writer.sequence)
    assert thread.uncounted == 2
    thread.stop()
    assert last_counted(database) == 1


@pytest.mark.parametrize("error", [StoreError("no room"), ValueError("no room")])
def test_a_counting_error_is_logged_once_and_retried(
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
    thread.settle()  # returns, because counting fails
    assert failed.acquire(timeout=30)
    assert failed.acquire(timeout=30)  # retried
    monkeypatch.setattr(EdgeCounter, "count_next", count_next)
    while last_counted(database) < 1:
        thread.settle()
    assert [record.message for record in caplog.records] == [
        "Calls and messages cannot be counted: no room. Trying again."
    ]
