-- Version 8: spans have the event type and the version of their message; those that are stored keep them as attributes.
-- They are counted in `contracts` (created by schema.sql).
ALTER TABLE spans ADD COLUMN IF NOT EXISTS message_type VARCHAR;
ALTER TABLE spans ADD COLUMN IF NOT EXISTS message_version VARCHAR;
-- Digests say when each service sent its last span (schema.sql creates them anew). The collector computes them again.
DROP TABLE digests;
UPDATE meta SET value = '8' WHERE key = 'schema_version';
