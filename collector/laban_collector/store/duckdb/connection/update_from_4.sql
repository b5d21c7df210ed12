-- Version 5: digests are keyed by XXH3 and no longer by DuckDB's hash(). The collector makes them again.
DELETE FROM digests;
UPDATE meta SET value = '5' WHERE key = 'schema_version';
