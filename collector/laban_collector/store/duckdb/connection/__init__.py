"""One DuckDB file: opening it, sessions, transactions, and errors in plain words."""
