"""Modes, links and leftovers of the files that laban writes."""

import os
import stat
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from laban_collector.errors import StoreError, StoreUnwritable
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.spilled import remove_spilled
from laban_collector.store.duckdb.durability.recovery import open_or_quarantine
from laban_collector.store.duckdb.housekeeping.export import stream_backup
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.private_files import (
    copy_private,
    keep_new_files_private,
    open_private,
    publish,
    remove_leftovers,
    working_folder,
    write_private,
)
from laban_collector.store.sidecar_files import journal_paths, quarantined, ring_path

from ..requests import span
from .duckdb.connection.test_session import full_disk
from .duckdb.write.test_writer import batch


@contextmanager
def umask(mask: int) -> Generator[None, None, None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0, 0o027, 0o777])
def test_files_are_private_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    old = tmp_path / "old"
    old.write_bytes(b"made by an older version")
    old.chmod(0o664)
    with umask(mask):
        for path in (old, tmp_path / "new"):
            os.close(open_private(path))
        copy_private(old, tmp_path / "copy")
        write_private(tmp_path / "text", "a")
        with working_folder(tmp_path, "a.duckdb") as folder:
            assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in tmp_path.iterdir()} == dict.fromkeys(
        ("old", "new", "copy", "text"), 0o600
    )


def test_all_files_of_a_store_are_private(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with umask(0):
        keep_new_files_private()
        store = DuckDBStore.recover(path)
        storage = StorageService(store, RetentionLimits())
        storage.start()
        storage.take(batch(span(0)))
        storage.settle()
        for _ in stream_backup(store.database):
            found = {mode(file) for file in tmp_path.rglob("*") if file.is_file()}
            assert found == {0o600}
        assert {mode(folder) for folder in tmp_path.iterdir() if folder.is_dir()} <= {0o700}
        names = {file.name for file in tmp_path.iterdir()}
        storage.stop()
        store.close()
    assert names - {"a.duckdb.metadata"} == {
        "a.duckdb",
        "a.duckdb.wal",
        "a.duckdb.ledger",
        "a.duckdb.journal-0",
    }


def test_files_of_an_older_version_become_private(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    DuckDBStore.recover(path).close()
    path.chmod(0o644)
    DuckDBStore.recover(path).close()
    assert mode(path) == 0o600


@pytest.mark.parametrize(
    "name", ["a.duckdb", "a.duckdb.wal", "a.duckdb.ledger", "a.duckdb.journal-3", "a.duckdb.tmp"]
)
@pytest.mark.parametrize("target", ["there", "missing"])
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str, target: str) -> None:
    victim = tmp_path / "victims" / target
    victim.parent.mkdir()
    (tmp_path / "victims" / "there").write_bytes(b"precious")
    path = tmp_path / "a.duckdb"
    if name != path.name:
        DuckDBStore.recover(path).close()
    (tmp_path / name).symlink_to(victim)

    def start() -> None:
        store = DuckDBStore.recover(path)
        try:
            StorageService(store, RetentionLimits()).start()
        finally:
            store.close()

    with pytest.raises(StoreError, match=r"symbolic link|is not a folder"):
        start()
    assert (tmp_path / "victims" / "there").read_bytes() == b"precious"
    assert [file.name for file in victim.parent.iterdir()] == ["there"]


def test_a_pipe_with_the_name_of_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    os.mkfifo(ring_path(path))
    with pytest.raises(StoreError, match="not a regular file"):
        open_private(ring_path(path))
    os.mkfifo(path)
    with pytest.raises(StoreError, match="not a regular file"):
        DuckDBStore.recover(path)


def test_a_small_file_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious", encoding="utf-8")
    (tmp_path / "link").symlink_to(victim)
    write_private(tmp_path / "link", "new")
    assert (victim.read_text(encoding="utf-8"), (tmp_path / "link").read_text(encoding="utf-8")) == (
        "precious",
        "new",
    )


def test_a_published_file_replaces_nothing(tmp_path: Path) -> None:
    made, taken = tmp_path / "made", tmp_path / "taken"
    made.write_bytes(b"new")
    taken.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        publish(made, taken)
    publish(made, tmp_path / "free")
    assert (tmp_path / "free").read_bytes() == b"new"


_KILLED = """
import os, signal, sys
from pathlib import Path
from laban_collector.store.private_files import working_folder
with working_folder(Path(sys.argv[1]), "a.duckdb") as folder:
    (folder / "a.duckdb").write_bytes(b"half a backup")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_leftovers_of_a_killed_process_are_removed_at_the_next_start_and_no_others(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], check=False)
    [left] = tmp_path.iterdir()
    spilled = tmp_path / "a.duckdb.tmp"
    spilled.mkdir(mode=0o755)
    (spilled / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"spilled")
    others = [
        tmp_path / "a.duckdb.backup-20261128",
        tmp_path / "a.duckdb.laban-work-mine",
        tmp_path / "b.duckdb.laban-work-abcdefgh",
    ]
    for other in others:
        other.mkdir()
    (tmp_path / "a.duckdb.laban-work-abcdefgh").symlink_to(others[0])
    with working_folder(tmp_path, "a.duckdb") as in_use:
        assert not left.exists()
        DuckDBStore.recover(path).close()
        assert in_use.exists()
    assert {file.name for file in tmp_path.iterdir()} == {
        "a.duckdb",
        "a.duckdb.laban-work-abcdefgh",
        *(other.name for other in others),
    }
    remove_leftovers(tmp_path / "missing", "a.duckdb")


def test_other_files_in_the_spill_folder_stay(tmp_path: Path) -> None:
    spilled = tmp_path / "a.duckdb.tmp"
    spilled.mkdir()
    (spilled / "notes.txt").write_bytes(b"mine")
    DuckDBStore.recover(tmp_path / "a.duckdb").close()
    assert [file.name for file in spilled.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("size", [0, 100, 4096, 12_288, 40_000, 300_000])
def test_a_new_database_that_does_not_fit_on_the_disk_starts_when_there_is_space(
    tmp_path: Path, size: int
) -> None:
    path = tmp_path / "a.duckdb"
    with full_disk(size), pytest.raises(StoreUnwritable, match="Free space on the disk of"):
        open_or_quarantine(path)
    open_or_quarantine(path).close()
    assert quarantined(path) == []


def test_an_existing_database_is_not_quarantined_because_the_disk_is_full(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    program = (
        "import os, sys; from pathlib import Path; "
        "from laban_collector.store.duckdb.connection.database import Database; "
        "database = Database.open(Path(sys.argv[1])); "
        "database.try_writing(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], check=True)
    size = path.stat().st_size
    for limit in (0, size // 2, size):
        with full_disk(limit), suppress(StoreUnwritable):
            open_or_quarantine(path).close()
        assert quarantined(path) == []
    open_or_quarantine(path).close()


def test_a_service_whose_ledger_does_not_fit_says_what_to_do(tmp_path: Path) -> None:
    store = DuckDBStore.recover(tmp_path / "a.duckdb")
    storage = StorageService(store, RetentionLimits())
    with full_disk(0), pytest.raises(StoreUnwritable, match="Free space on the disk of"):
        storage.start()
    storage.stop()
    again = StorageService(store, RetentionLimits())
    again.start()
    again.stop()
    assert not any(file.exists() for file in journal_paths(store.path))
    store.close()


def test_what_a_running_process_spills_stays(tmp_path: Path) -> None:
    path, spilled = tmp_path / "a.duckdb", tmp_path / "a.duckdb.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp"
    hold = "import duckdb, sys; connection = duckdb.connect(sys.argv[1]); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        spilled.parent.mkdir()
        spilled.write_bytes(b"in use")
        remove_spilled(path)
        assert spilled.exists()
        other.communicate(b"\n")
    remove_spilled(path)
    assert not spilled.parent.exists()
