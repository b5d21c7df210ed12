"""The store that laban uses. No other module outside `store/duckdb/` names it."""

from typing import Final

from laban_collector.store.base import Store
from laban_collector.store.duckdb.store import DuckDBStore

STORE: Final[type[Store]] = DuckDBStore
"""Opens files of spans: `STORE.open(path)`, and `STORE.recover(path)` for a collector."""
