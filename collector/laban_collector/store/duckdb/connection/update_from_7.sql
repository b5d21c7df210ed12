-- Version 8: digests say when each service sent its last span (schema.sql creates them anew). The collector computes them
-- again.
DROP TABLE digests;
UPDATE meta SET value = '8' WHERE key = 'schema_version';
