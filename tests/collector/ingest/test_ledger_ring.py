import itertools
from pathlib import Path

import pytest

from laban_collector.ingest.ledger_ring import LedgerRing, Missing

SLOTS = 16


@pytest.fixture(autouse=True)
def _small_ring(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] - pytest calls it
    monkeypatch.setattr("laban_collector.ingest.ledger_ring.SLOTS", SLOTS)


def open_ring(path: Path) -> LedgerRing:
    return LedgerRing.open(path, itertools.count(1).__next__)


def record(path: Path, commits: int, first: int = 1) -> None:
    ring = open_ring(path)
    for sequence in range(first, first + commits):
        ring.record(sequence, 10)
    ring.close()


def missing(path: Path, sequence: int) -> Missing:
    ring = open_ring(path)
    found = ring.missing_after(sequence)
    ring.close()
    return found


def test_a_new_ring_reports_no_missing_commits(tmp_path: Path) -> None:
    assert missing(tmp_path / "ledger", 0) == Missing(0, 0, exact=True)


def test_recorded_commits_after_the_newest_stored_one_are_missing(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    record(path, 5)
    assert missing(path, 5) == Missing(0, 0, exact=True)
    assert missing(path, 3) == Missing(2, 20, exact=True)
    assert missing(path, 0) == Missing(5, 50, exact=True)


def test_a_database_ahead_of_the_ring_misses_no_commits(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    record(path, 5)
    assert missing(path, 9) == Missing(0, 0, exact=True)


def test_missing_spans_are_a_lower_bound_beyond_the_ring(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    record(path, SLOTS + 10)
    assert missing(path, 5) == Missing(SLOTS + 5, 10 * (SLOTS - 1), exact=False)
    assert missing(path, 11) == Missing(SLOTS - 1, 10 * (SLOTS - 1), exact=True)


def test_a_torn_slot_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    record(path, 3)
    content = bytearray(path.read_bytes())
    content[3 * 32 + 1] ^= 0xFF
    path.write_bytes(content)
    assert missing(path, 2) == Missing(0, 0, exact=True)


def test_the_file_is_allocated_at_once_and_never_grows(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    open_ring(path).close()
    size = path.stat().st_size
    record(path, SLOTS + 1)
    assert path.stat().st_size == size
