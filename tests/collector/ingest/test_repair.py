"""A storage service whose database file is damaged while it runs, and before it starts."""

import shutil
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from laban_collector.errors import StoreError, StoreUnwritable
from laban_collector.ingest import repair
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.sidecar_files import ring_path

from ...collector.requests import span
from ..store.duckdb.small_groups import BLOCK, GROUP, SPANS, block_of, make, overwrite
from ..store.duckdb.write.test_writer import batch

_PATIENCE = 60


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("repair") / "a.duckdb")


@pytest.fixture
def path(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.02)


@contextmanager
def running(path: Path) -> Generator[StorageService, None, None]:
    """Run a storage service on a file."""
    store = DuckDBStore.recover(path)
    storage = StorageService(store, RetentionLimits())
    try:
        storage.start()
        yield storage
    finally:
        storage.stop()
        store.close()


def rescued(storage: StorageService) -> bool:
    return [one.state for one in storage.health().rescues] == ["done"]


def test_damage_that_shows_while_a_collector_runs_costs_only_what_cannot_be_read(
    path: Path, whole: Path
) -> None:
    overwrite(path, block_of(whole, "span_id", 1), bytes(BLOCK))
    with running(path) as storage:
        reader = storage.store.reader()
        storage.take(batch(span(1)))
        until(lambda: rescued(storage))
        storage.settle()
        health = storage.health()
        assert reader.contents().spans == SPANS - GROUP + 1
        assert storage.unready() is None
        [record] = health.rescues
        assert (record.found, record.lost) == (SPANS - GROUP, GROUP)
        assert record.losses is not None
        assert sum(one.spans for one in record.losses.commits) == GROUP
        assert not health.ledger_agrees
        assert f"{GROUP:,} spans are lost (of the commits 5 to 8)" in health.ledger
    with running(path) as storage:  # the next start says so too, and rescues nothing twice
        assert not storage.health().ledger_agrees
        assert storage.store.reader().contents().spans == SPANS - GROUP + 1


def test_a_file_that_cannot_be_opened_does_not_refuse_the_start(path: Path) -> None:
    LedgerRing.open(ring_path(path)).close()
    overwrite(path, 0, bytes(GROUP))
    with running(path) as storage:
        until(lambda: rescued(storage))
        storage.settle()
        assert storage.store.reader().contents().spans == SPANS
        assert storage.health().ledger_agrees
        assert storage.health().set_aside


def test_a_replacement_that_fails_halfway_is_continued(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "_RETRY", 0.01)
    with running(path) as storage:
        assert isinstance(storage.store, DuckDBStore)
        database = storage.store.database
        failures = iter((duckdb.IOException("No space left on device"),))
        refusals = iter((StoreError("not yet"), StoreError("not yet"), None))
        connect, start = duckdb.connect, storage.store.start

        def connected(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
            if failure := next(failures, None):
                raise failure
            return connect(*arguments, **options)

        def started(*arguments: Any) -> None:
            if refusal := next(refusals):
                raise refusal
            start(*arguments)

        monkeypatch.setattr(duckdb, "connect", connected)
        monkeypatch.setattr(storage.store, "start", started)
        storage.take(batch(span(1)))
        storage.settle()
        database.declare_damaged("for this test")
        storage.take(batch(span(2)))
        until(lambda: rescued(storage))
        storage.settle()
        assert storage.store.reader().contents().spans == SPANS + 2
        assert storage.health().ledger_agrees
        assert storage.health().failure is None
        [record] = storage.health().rescues  # one file was set aside, and no empty ones
    assert {file.stat().st_mode & 0o777 for file in path.parent.glob(f"{record.file}.*")} == {0o600}
    with running(path) as storage:
        assert storage.store.reader().contents().spans == SPANS + 2
        assert storage.health().ledger_agrees


def test_a_rescue_without_space_is_repeated_at_the_next_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    LedgerRing.open(ring_path(path)).close()
    overwrite(path, 0, bytes(GROUP))

    def refuse(*_: object) -> None:
        raise StoreUnwritable("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(DuckDBStore, "rescue", refuse)
        with running(path) as storage:
            until(lambda: "is not rescued yet: no space left" in storage.health().ledger)
            assert not storage.health().ledger_agrees
    with running(path) as storage:
        until(lambda: rescued(storage))
        assert storage.health().ledger_agrees


def test_a_store_that_is_damaged_is_not_ready(path: Path) -> None:
    with DuckDBStore.recover(path) as store:
        storage = StorageService(store, RetentionLimits())
        store.database.declare_damaged("for this test")
        assert "damaged" in str(storage.unready())
        with pytest.raises(StoreError, match="damaged"):
            store.probe(write=True)
        store.database.damage = None
