"""The `Store` interface: the journal works with any store."""

import subprocess
import sys
from pathlib import Path

import pytest

from laban_collector.errors import StoreUnsupported
from laban_collector.ingest.journal import Journal
from laban_collector.ingest.storage_service import StorageService
from laban_collector.store.base import RetentionLimits, Store

from ..requests import span
from .duckdb.write.test_writer import batch
from .memory_store import MemoryStore


def test_the_storage_service_works_with_another_store(tmp_path: Path) -> None:
    store = MemoryStore(tmp_path / "spans")
    storage = StorageService(store, RetentionLimits())
    storage.start()
    storage.take(batch(span(0), span(1)))
    assert storage.write(batch(span(1), span(2))).spans == 1
    health = storage.health()
    assert (health.stored, health.duplicates, health.unloaded) == (3, 1, 0)
    assert health.ledger == "all 0 commits are present"
    storage.stop()
    assert len(store.spans) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["spans.ledger"]


def test_spans_that_a_store_refused_are_loaded_after_a_restart(tmp_path: Path) -> None:
    full = MemoryStore(tmp_path / "spans")
    storage = StorageService(full, RetentionLimits())
    storage.start()
    full.full = True
    storage.take(batch(span(0)))
    storage.stop()
    assert not full.spans
    assert len(Journal(full.path).unloaded()) == 1
    restarted = MemoryStore(full.path)
    storage = StorageService(restarted, RetentionLimits())
    storage.start()
    storage.settle()
    assert len(restarted.spans) == 1
    storage.stop()


def test_a_store_raises_store_unsupported_for_missing_features(tmp_path: Path) -> None:
    store: Store = MemoryStore(tmp_path / "spans")
    for action in (store.archive, store.stream_backup, lambda: store.backup(tmp_path / "copy")):
        with pytest.raises(StoreUnsupported, match="MemoryStore has no"):
            action()
    with pytest.raises(StoreUnsupported, match="no retention"):
        StorageService(store, RetentionLimits(age=1)).start()


def test_the_ingest_path_does_not_import_duckdb() -> None:
    modules = ["receive.http", "receive.grpc", "decode.otlp", "ingest.storage_service", "ingest.pipeline"]
    imports = ", ".join(f"laban_collector.{name}" for name in [*modules, "importing.importer"])
    program = f"import sys, {imports}; print('duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
