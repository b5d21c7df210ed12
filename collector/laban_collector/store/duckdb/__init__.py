"""The store in one DuckDB file: the schema, one .sql file a query, the writer and the reader."""
