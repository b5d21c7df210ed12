"""The store that laban uses. This line is the only one outside its folder that names it."""

from typing import Final

from laban_collector.store.base import Store
from laban_collector.store.duckdb.store import DuckDBStore

STORE: Final[type[Store]] = DuckDBStore
"""Opens files of spans: `STORE.open(path)`, and `STORE.recover(path)` for a collector."""
