"""One DuckDB file: opening it, sessions, transactions, and readable errors."""
