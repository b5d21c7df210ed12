"""Probes, metrics, status, export and backup of a real `laban serve`."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from laban_collector.store.base import EXPORTED_TABLES

from ...mapper.shop_spans import hybrid_order
from ...serving import Serving, laban, serving


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(tmp_path_factory.mktemp("keep") / "spans.duckdb", "--retention", "7d") as running:
        running.send(hybrid_order())
        yield running


def test_a_collector_is_ready_and_exports_its_metrics(collector: Serving) -> None:
    assert httpx.get(f"{collector.url}/readyz").json() == {"status": "ready"}
    httpx.get(f"{collector.url}/api/v1/status")  # the answer waits until acknowledged spans are stored
    answer = httpx.get(f"{collector.url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert f"laban_spans_stored_total {len(hybrid_order())}.0" in answer.text.splitlines()
    assert "laban_database_up 1.0" in answer.text.splitlines()


def test_status_fits_one_screen(collector: Serving) -> None:
    shown = laban("status", "--db", str(collector.db)).stdout
    for words in ("received", "stored", "refused", "in flight", "commits", "file", "checked at the start"):
        assert words in shown
    assert "ledger" in shown
    assert len(shown.splitlines()) < 24


@pytest.mark.parametrize("served", [True, False])
def test_export_writes_one_parquet_file_per_table(collector: Serving, tmp_path: Path, served: bool) -> None:  # noqa: FBT001
    db = collector.db if served else backed_up(collector, tmp_path)
    out = tmp_path / "out"
    done = laban("export", "--db", str(db), "--output", str(out))
    assert done.returncode == 0, done.stderr
    assert pq.read_table(out / "spans.parquet").num_rows == len(hybrid_order())
    assert sorted(path.suffix for path in out.iterdir()) == [".parquet"] * len(EXPORTED_TABLES)
    again = laban("export", "--db", str(db), "--output", str(out))
    assert again.returncode == 2
    assert "overwrites nothing" in again.stderr


def test_export_into_a_file_ends_in_one_line(collector: Serving, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    done = laban("export", "--db", str(collector.db), "--output", str(tmp_path / "taken"))
    assert done.returncode == 2
    assert done.stderr.startswith("laban: Cannot create the output directory: ")
    assert len(done.stderr.splitlines()) == 1


def backed_up(collector: Serving, folder: Path) -> Path:
    target = folder / "copy.duckdb"
    done = laban("backup", str(target), "--url", collector.url)
    assert done.returncode == 0, done.stderr
    return target


def test_a_backup_of_a_running_collector_gives_the_same_answers(collector: Serving, tmp_path: Path) -> None:
    target = backed_up(collector, tmp_path)
    live, copy = (laban("map", "--json", "--db", str(db)).stdout for db in (collector.db, target))
    assert live == copy
    assert list(tmp_path.iterdir()) == [target]
    assert laban("backup", str(target), "--url", collector.url).returncode == 2
    twice = tmp_path / "twice.duckdb"
    assert laban("backup", str(twice), "--db", str(target)).returncode == 0
    assert list(collector.db.parent.glob("*backup*")) == []


def test_a_backup_is_not_available_by_get(collector: Serving) -> None:
    assert httpx.get(f"{collector.url}/api/v1/backup").status_code == 405
