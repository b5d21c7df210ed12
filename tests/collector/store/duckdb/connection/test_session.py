import resource
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from laban_collector.errors import StoreError
from laban_collector.store.duckdb.connection.database import Database, wal_of

from .test_database import keys, put


def full(path: Path) -> AbstractContextManager[None]:
    """As if the disk were full: no file of this process may grow beyond the log of a database."""
    return no_room(wal_of(path).stat().st_size)


@contextmanager
def no_room(size: int = 100) -> Generator[None, None, None]:
    """No file of this process may grow beyond this size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def broken_by_a_full_disk(database: Database) -> None:
    put(database, "acknowledged")
    with full(database.path), pytest.raises(StoreError, match="checkpoint failed"):
        database.checkpoint()
    assert database.failure is not None


def test_a_database_that_duckdb_gave_up_is_opened_anew_with_all_that_was_committed(
    database: Database,
) -> None:
    broken_by_a_full_disk(database)
    assert "acknowledged" in keys(database)
    assert database.failure is None
    put(database, "after")
    database.checkpoint()
    assert {"acknowledged", "after"} < keys(database)


def test_many_threads_find_it_open_again(database: Database) -> None:
    broken_by_a_full_disk(database)
    found: list[set[str]] = []
    threads = [threading.Thread(target=lambda: found.append(keys(database))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"schema_version", "acknowledged"}] * 8


def test_while_it_cannot_be_opened_it_refuses_and_says_why(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken_by_a_full_disk(database)
    away = database.path.with_name("away")
    database.path.rename(away)
    database.path.mkdir()
    monkeypatch.setattr("laban_collector.store.duckdb.connection.session.RETRY", 0.0)
    for _ in range(2):
        with pytest.raises(StoreError, match="cannot be opened again yet"):
            keys(database)
    database.path.rmdir()
    away.rename(database.path)
    assert "acknowledged" in keys(database)


def test_a_refusal_that_is_not_fatal_changes_nothing(database: Database) -> None:
    put(database, "a")
    with pytest.raises(StoreError, match="Constraint"):
        put(database, "a")
    assert database.failure is None


def test_a_cursor_that_is_not_left_does_not_hang_the_others(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laban_collector.store.duckdb.connection.session._DRAIN_TIME", 0.05)
    with suppress(StoreError), database.reading():  # what it reads is lost with the database
        broken_by_a_full_disk(database)
        with pytest.raises(StoreError, match="still in use"):
            keys(database)
    assert "acknowledged" in keys(database)
