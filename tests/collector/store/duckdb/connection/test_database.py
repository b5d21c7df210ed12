import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from laban_collector.errors import (
    StoreDamaged,
    StoreError,
    StoreForeign,
    StoreLocked,
    StoreNotFound,
    StoreTooNew,
)
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.connection.schema import SCHEMA_VERSION
from laban_collector.store.duckdb.read.reader import DuckDBReader
from laban_collector.store.duckdb.write.writer import DuckDBWriter
from laban_collector.store.rows import Lag

from ..older_files import make_older
from ..random_shop import T0

TABLES = {
    "edges",
    "contracts",
    "correlations",
    "digests",
    "edge_totals",
    "lag",
    "lag_problems",
    "ledger",
    "logs",
    "meta",
    "profile_steps",
    "profiles",
    "resources",
    "scopes",
    "span_events",
    "span_links",
    "spans",
    "unmet_links",
    "unsettled_edges",
}


def insert_key(database: Database, key: str, value: str = "") -> None:
    with database.writing() as cursor:
        cursor.execute("INSERT INTO meta VALUES (?, ?)", [key, value])


def update_key(database: Database) -> None:
    with database.writing() as cursor:
        cursor.execute("UPDATE meta SET value = value || 'x'")


def keys(database: Database) -> set[str]:
    with database.reading() as cursor:
        return {key for (key,) in cursor.execute("SELECT key FROM meta").fetchall()}


def tables(database: Database) -> set[str]:
    with database.reading() as cursor:
        return {name for (name,) in cursor.execute("SELECT table_name FROM duckdb_tables()").fetchall()}


def test_opening_creates_the_tables_and_reopening_keeps_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with Database.open(path) as database:
        assert tables(database) == TABLES
        insert_key(database, "a")
    with Database.open(path) as database:
        assert keys(database) == {"schema_version", "a"}


def test_the_schema_is_checkpointed_at_once_and_rows_at_close(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    log = tmp_path / "a.duckdb.wal"
    with Database.open(path) as database:
        assert not log.exists()
        insert_key(database, "a")
        assert log.exists()
    assert not log.exists()


def test_a_write_that_raises_is_rolled_back(database: Database) -> None:
    def write_half() -> None:
        with database.writing() as cursor:
            cursor.execute("INSERT INTO meta VALUES ('a', '')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert keys(database) == {"schema_version"}


def test_a_duckdb_error_becomes_a_store_error_that_names_the_file(database: Database) -> None:
    insert_key(database, "a")
    with pytest.raises(StoreError, match=f"{database.path}: Constraint Error"):
        insert_key(database, "a")


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError, match="read-only"), database.reading() as cursor:
        cursor.execute("INSERT INTO meta VALUES ('a', '')")


def test_a_reader_sees_one_state_of_the_database(database: Database) -> None:
    with database.reading() as cursor:
        before = cursor.execute("SELECT count(*) FROM meta").fetchall()
        insert_key(database, "a")
        assert cursor.execute("SELECT count(*) FROM meta").fetchall() == before
    assert keys(database) == {"schema_version", "a"}


def test_several_threads_can_read_and_write_at_once(database: Database) -> None:
    failures: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for round_ in range(10):
                insert_key(database, f"{name}-{round_}")
                assert f"{name}-{round_}" in keys(database)
        except BaseException as error:  # noqa: BLE001 - asserted by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(keys(database)) == 41


def test_a_checkpoint_waits_for_the_readers_that_began_before_an_update(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    update_key(database)
    session = database._session  # pyright: ignore[reportPrivateUsage] # shows when the checkpoint waits
    reads, waits = threading.Event(), threading.Event()
    wait = session.wait_for_open_cursors

    def read() -> None:
        with database.reading() as cursor:
            cursor.execute("SELECT count(*) FROM meta").fetchall()
            reads.set()
            assert waits.wait(30)

    def wait_and_tell(seconds: float) -> str | None:
        waits.set()
        return wait(seconds)

    monkeypatch.setattr(session, "wait_for_open_cursors", wait_and_tell)
    reader = threading.Thread(target=read)
    reader.start()
    assert reads.wait(30)
    update_key(database)
    database.checkpoint()
    reader.join()
    assert waits.is_set()
    assert database.size().wal == 0


def test_a_checkpoint_that_a_reader_prevents_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laban_collector.store.duckdb.connection.database._READERS_S", 0.0)
    update_key(database)
    with database.reading() as cursor:
        cursor.execute("SELECT count(*) FROM meta").fetchall()
        update_key(database)
        with pytest.raises(StoreError, match=r"Cannot CHECKPOINT.* These read: MainThread for 0 s\."):
            database.checkpoint()
    database.checkpoint()
    assert database.size().wal == 0


def test_queries_cannot_access_other_files_or_enable_that(database: Database) -> None:
    for statement in ("FROM read_csv('/etc/hostname')", "SET enable_external_access = true"):
        with pytest.raises(StoreError, match=r"disabled by configuration|has been locked"):
            _run(database, statement)


def _run(database: Database, statement: str) -> None:
    with database.reading() as cursor:
        cursor.execute(statement)


def test_times_are_utc(database: Database) -> None:
    with database.reading() as cursor:
        assert cursor.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]


def test_a_file_opened_read_only_is_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    Database.open(path).close()
    before = path.read_bytes()
    with Database.open(path, read_only=True) as database:
        assert tables(database) == TABLES
        with pytest.raises(StoreError, match="opened read-only"):
            insert_key(database, "a")
    assert path.read_bytes() == before


def test_opening_read_only_does_not_create_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound, match="does not exist"):
        Database.open(tmp_path / "a.duckdb", read_only=True)
    assert not list(tmp_path.iterdir())


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreNotFound, match=r"does not exist\. Create it first: mkdir -p"):
        Database.open(tmp_path / "no" / "a.duckdb")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="is a directory"):
        Database.open(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a database " * 1000])
def test_a_file_that_is_not_a_database_is_left_unchanged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreDamaged, match="cannot be read as a database"):
        Database.open(path)
    assert path.read_bytes() == content


def test_a_broken_database_is_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    Database.open(path).close()
    broken = bytearray(path.read_bytes())
    broken[4096:12288] = bytes(8192)  # both copies of the database header
    path.write_bytes(broken)
    with pytest.raises(StoreDamaged):
        Database.open(path)
    assert path.read_bytes() == broken


def test_a_database_of_another_program_is_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")
    with pytest.raises(StoreForeign, match="it holds customers"):
        Database.open(path)
    with duckdb.connect(path, read_only=True) as connection:
        assert connection.execute("SHOW TABLES").fetchall() == [("customers",)]


def test_a_newer_schema_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with Database.open(path) as database, database.writing() as cursor:
        cursor.execute("UPDATE meta SET value = ?", [str(SCHEMA_VERSION + 1)])
    with pytest.raises(StoreTooNew, match=f"schema version {SCHEMA_VERSION + 1}"):
        Database.open(path)


def test_the_error_for_a_locked_file_names_the_other_process(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    code = (
        "import sys, pathlib; from laban_collector.store.duckdb.connection.database import Database;"
        "d = Database.open(pathlib.Path(sys.argv[1])); print('open', flush=True); sys.stdin.read(); d.close()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        for read_only in (False, True):
            with pytest.raises(StoreLocked, match=rf"open in another process.*PID {other.pid}"):
                Database.open(path, read_only=read_only)
        other.communicate()
    Database.open(path).close()


def test_lag_of_an_older_version_has_the_new_columns(tmp_path: Path) -> None:
    path = tmp_path / "old.duckdb"
    old = Lag(T0, "c", "email", "orders", 0, 5, 9, 0, 4, 1.5, "OK")
    with Database.open(path) as database:
        DuckDBWriter(database).write_lag([old])
    make_older(path, 5)
    with Database.open(path) as database:
        assert DuckDBReader(database).latest_lag() == [replace(old, seconds_from="interpolated")]
        assert DuckDBReader(database).lag_problems() == []
        DuckDBWriter(database).write_lag([replace(old, time=T0 + 1, lost=3, members=1)])
        assert DuckDBReader(database).latest_lag()[0].lost == 3
