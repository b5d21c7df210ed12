"""Fixtures of the collector's tests."""

from collections.abc import Generator
from pathlib import Path

import pytest

from laban_collector.decode.columnar import decoder
from laban_collector.store.duckdb.connection.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database, None, None]:
    """An empty database, closed at the end."""
    with Database.open(tmp_path / "laban.duckdb") as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def by_columns() -> Generator[None, None, None]:
    """However few the spans of a test are, they are decoded as many would be."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decoder, "_FEW", 0)
        yield
