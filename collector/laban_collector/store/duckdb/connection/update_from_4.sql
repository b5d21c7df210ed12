-- Version 5: digests are keyed by XXH3 instead of DuckDB's hash(). The collector computes them again.
DELETE FROM digests;
UPDATE meta SET value = '5' WHERE key = 'schema_version';
