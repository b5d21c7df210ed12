"""The store in one DuckDB file: one folder per task; `store.py` connects them."""
