-- The short statements of this room; each one is named by the line above it.

-- name: file_size
SELECT block_size, total_blocks, used_blocks FROM pragma_database_size() WHERE database_name = current_database()

-- name: schema_version
SELECT value FROM meta WHERE key = 'schema_version'

-- name: set_schema_version
INSERT INTO meta (key, value) VALUES ('schema_version', ?)

-- name: tables
SELECT table_name FROM duckdb_tables()

-- name: try_writing
-- Whether the disk takes anything: asked after a commit that failed.
INSERT OR REPLACE INTO meta (key, value) VALUES ('tried_writing', ?)

-- name: update_from_2
-- Version 3: edges are counted in `edges` (made by schema.sql); what is stored is counted by the collector.
UPDATE meta SET value = '3' WHERE key = 'schema_version'
