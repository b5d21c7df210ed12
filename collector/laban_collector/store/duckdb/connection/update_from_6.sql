-- Version 7: what is usual is kept in `profile_steps` and `profiles` (created by schema.sql); the collector counts the
-- stored traces.
UPDATE meta SET value = '7' WHERE key = 'schema_version';
