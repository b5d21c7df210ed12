import ctypes
import os
from pathlib import Path

import pyarrow as pa
import pytest

from laban_collector.ingest import loader, memory
from laban_collector.store.duckdb.connection.database import Database

from ..requests import span
from ..store.duckdb.write.test_writer import batch
from .test_loader import Tables, running

_GLIBC = hasattr(ctypes.CDLL(None), "malloc_trim")
_MB = 1 << 20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_that_is_no_longer_in_use_goes_back_to_the_system() -> None:
    held = [b"x" * 60_000 for _ in range(1500)]
    last = b"x" * 60_000  # glibc itself gives back only what lies above everything in use
    buffers = [pa.allocate_buffer(_MB) for _ in range(8)]
    del held, buffers
    before = resident()
    memory.release_unused()
    assert pa.default_memory_pool().bytes_allocated() < 8 * _MB
    assert resident() < before - (50 * _MB if _GLIBC else 0)
    assert last


def test_the_loader_releases_memory_after_each_load_and_keeps_the_spans(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[int] = []
    tables = Tables(database)
    monkeypatch.setattr(loader, "release_unused", lambda: loads.append(len(tables.loads)))
    with running(tables, database.path) as journal_loader:
        journal_loader.write(batch(span(1)))
        journal_loader.settle()
        journal_loader.write(batch(span(2)))
    assert loads == [1, 2]
