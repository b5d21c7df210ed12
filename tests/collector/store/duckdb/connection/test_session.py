import resource
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import duckdb
import pytest

from laban_collector.errors import StoreError
from laban_collector.store.duckdb.connection.database import Database, wal_of
from laban_collector.store.duckdb.connection.open_errors import is_damage
from laban_collector.store.duckdb.connection.session import Session

from .test_database import insert_key, keys


def full_disk_at_log(path: Path) -> AbstractContextManager[None]:
    """Simulate a disk that is full at the size of a database's log."""
    return full_disk(wal_of(path).stat().st_size)


@contextmanager
def full_disk(size: int = 100) -> Generator[None, None, None]:
    """Simulate a full disk: no file of this process may grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def break_by_full_disk(database: Database) -> None:
    insert_key(database, "acknowledged")
    with full_disk_at_log(database.path), pytest.raises(StoreError, match="checkpoint failed"):
        database.checkpoint()
    assert database.failure is not None


def test_an_invalidated_database_is_reopened_with_every_committed_row(
    database: Database,
) -> None:
    break_by_full_disk(database)
    assert "acknowledged" in keys(database)
    assert database.failure is None
    insert_key(database, "after")
    database.checkpoint()
    assert {"acknowledged", "after"} < keys(database)


def test_a_database_is_reopened_after_a_commit_without_memory(tmp_path: Path) -> None:
    path = tmp_path / "spans.duckdb"
    session = Session(path, lambda: duckdb.connect(path, config={"threads": 1}))
    with session.cursor() as cursor:
        cursor.execute("CREATE TABLE t AS SELECT range AS a, repeat('x', 20) AS s FROM range(5000)")
    with suppress(duckdb.TransactionException), session.cursor() as cursor:
        cursor.execute("BEGIN TRANSACTION")
        cursor.execute("UPDATE t SET s = repeat('b', 100)")
        cursor.execute("SET memory_limit = '1.3MB'")
        cursor.execute("COMMIT")
    assert "Failed to commit" in str(session.failure)
    with session.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # DuckDB would refuse for ever
        assert cursor.execute("SELECT count(*), count(DISTINCT s) FROM t").fetchall() == [(5000, 1)]
    session.close()


def test_torn_rows_in_memory_are_no_damage_of_the_file() -> None:
    torn = "Failed to create checkpoint because of error: Corrupted in-memory column - column with index 0"
    assert not is_damage(duckdb.FatalException(torn))
    assert is_damage(duckdb.IOException("Corrupt database file: computed checksum 1 does not match"))


def test_several_threads_can_use_a_reopened_database(database: Database) -> None:
    break_by_full_disk(database)
    found: list[set[str]] = []
    threads = [threading.Thread(target=lambda: found.append(keys(database))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [{"schema_version", "acknowledged"}] * 8


def test_queries_fail_with_the_reason_while_the_database_cannot_be_reopened(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_by_full_disk(database)
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


def test_an_error_that_is_not_fatal_does_not_invalidate_the_database(database: Database) -> None:
    insert_key(database, "a")
    with pytest.raises(StoreError, match="Constraint"):
        insert_key(database, "a")
    assert database.failure is None


def test_an_open_cursor_does_not_block_other_queries_forever(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laban_collector.store.duckdb.connection.session._DRAIN_TIME", 0.05)
    with suppress(StoreError), database.reading():  # its transaction is lost with the database
        break_by_full_disk(database)
        with pytest.raises(StoreError, match="still in use"):
            keys(database)
    assert "acknowledged" in keys(database)
