"""The store in one DuckDB file: a room per task; `store.py` wires them."""
