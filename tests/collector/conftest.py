"""Fixtures of the collector's tests."""

from collections.abc import Generator
from pathlib import Path

import pytest

from laban_collector.store.duckdb.connection.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database, None, None]:
    """Yield an empty database."""
    with Database.open(tmp_path / "laban.duckdb") as opened:
        yield opened
