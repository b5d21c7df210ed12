-- Short statements of this folder. The line above a statement is its name.

-- name: file_size
SELECT block_size, total_blocks, used_blocks FROM pragma_database_size() WHERE database_name = current_database()

-- name: schema_version
SELECT value FROM meta WHERE key = 'schema_version'

-- name: set_schema_version
INSERT INTO meta (key, value) VALUES ('schema_version', ?)

-- name: tables
SELECT table_name FROM duckdb_tables()

-- name: try_writing
-- Checks after a failed commit whether the disk is writable.
INSERT OR REPLACE INTO meta (key, value) VALUES ('tried_writing', ?)

-- name: update_from_2
-- Version 3: calls and messages are counted in `edges` (created by schema.sql); the collector counts the stored spans.
UPDATE meta SET value = '3' WHERE key = 'schema_version'
