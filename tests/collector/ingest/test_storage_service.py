import asyncio
import gzip
from collections.abc import Generator
from pathlib import Path

import httpx
import pytest

from laban_app.server.collector import Collector
from laban_collector.errors import StoreError, StoreUnwritable
from laban_collector.ingest.ledger_ring import LedgerRing
from laban_collector.ingest.storage_service import StorageService
from laban_collector.metrics import Metrics
from laban_collector.store.base import RetentionLimits
from laban_collector.store.duckdb.connection.database import Database
from laban_collector.store.duckdb.store import DuckDBStore
from laban_collector.store.sidecar_files import ring_path

from ..requests import body, span
from ..running import running_loop, settings
from ..store.duckdb.connection.test_session import break_by_full_disk, full_disk
from ..store.duckdb.write.test_writer import batch

PROTOBUF = {"content-type": "application/x-protobuf"}
GZIP = PROTOBUF | {"content-encoding": "gzip"}
TOO_LARGE = gzip.compress(bytes(17 << 20))


@pytest.fixture
def storage(database: Database) -> Generator[StorageService, None, None]:
    service = StorageService(DuckDBStore(database), RetentionLimits())
    service.start()
    yield service
    service.stop()


def test_stored_spans_are_counted_and_recorded_in_the_ledger_ring(
    storage: StorageService, database: Database
) -> None:
    storage.take(batch(span(0), span(1)))
    storage.take(batch(span(1), span(2)))
    storage.settle()
    health = storage.health()
    assert (health.stored, health.duplicates, health.commits, health.unloaded) == (3, 1, 2, 0)
    assert health.commit_mean is not None
    assert health.file > 0
    assert health.wal > 0
    storage.stop()
    ring = LedgerRing.open(ring_path(database.path))
    assert ring.last is not None
    assert (ring.last.sequence, ring.last.total) == (2, 4)
    ring.close()


def test_a_failed_commit_is_not_recorded(storage: StorageService, database: Database) -> None:
    storage.take(batch(span(0)))
    with full_disk(), pytest.raises(StoreError, match="The journal cannot be written"):
        storage.take(batch(span(1)))
    storage.take(batch(span(1)))
    storage.stop()
    restarted = StorageService(DuckDBStore(database), RetentionLimits())
    restarted.start()
    assert restarted.health().ledger == "all 1 commits are present"
    restarted.stop()


def test_the_service_is_unready_while_the_database_cannot_be_opened(
    storage: StorageService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laban_collector.store.duckdb.connection.session.RETRY", 0.0)
    assert storage.unready() is None
    break_by_full_disk(database)
    away = database.path.with_name("away")
    database.path.rename(away)
    database.path.mkdir()
    reason = storage.unready()
    assert reason is not None
    assert "cannot be opened again yet" in reason
    assert storage.health().failure is not None
    assert storage.metrics.value("laban_database_up") == 0
    database.path.rmdir()
    away.rename(database.path)


def test_the_service_is_unready_after_a_failed_commit_until_the_disk_is_writable(
    storage: StorageService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise StoreUnwritable("still no space left")

    with full_disk(), pytest.raises(StoreUnwritable):
        storage.take(batch(span()))
    assert "The journal cannot be written" in str(storage.health().failure)
    with monkeypatch.context() as patch:
        patch.setattr(database, "try_writing", refuse)
        assert storage.unready() == "still no space left"
    assert storage.metrics.value("laban_database_up") == 0
    assert storage.unready() is None
    assert storage.health().failure is None
    assert storage.metrics.value("laban_database_up") == 1


def test_a_collector_counts_refused_requests_by_reason(database: Database) -> None:
    collector = Collector(settings(), DuckDBStore(database))
    with running_loop() as loop:
        endpoints = asyncio.run_coroutine_threadsafe(collector.start(), loop).result(30)
        url = f"http://{endpoints.http}/v1/traces"
        statuses = [
            httpx.post(url, content=content, headers=PROTOBUF).status_code
            for content in (body(span(0)), b"\xff\xff")
        ]
        statuses.append(httpx.post(url, content=TOO_LARGE, headers=GZIP).status_code)
        collector.storage.settle()
        health = collector.storage.health()
        asyncio.run_coroutine_threadsafe(collector.stop(), loop).result(30)
    assert statuses == [200, 400, 413]
    assert (health.received, health.stored, health.in_flight) == (1, 1, 0)
    assert health.refused == {"undecodable": 1, "too_large": 1}


def test_metrics_are_in_the_prometheus_text_format() -> None:
    metrics = Metrics()
    metrics.stored.inc(3)
    metrics.watch("laban_answer", "The answer.", lambda: 42)
    lines = metrics.text().decode().splitlines()
    assert "# TYPE laban_spans_stored_total counter" in lines
    assert "laban_spans_stored_total 3.0" in lines
    assert "laban_answer 42.0" in lines
    assert not [line for line in lines if "_created" in line]


def test_quarantined_files_are_listed(storage: StorageService, tmp_path: Path) -> None:
    (tmp_path / f"{storage.store.path.name}.damaged-20261123T000000Z").touch()
    assert storage.health().set_aside == ["laban.duckdb.damaged-20261123T000000Z"]
