-- Version 6: more kinds of calls and messages are counted. The collector counts them again.
DROP TABLE edges;
DELETE FROM unmet_links;
DELETE FROM meta WHERE key = 'edges_counted';
-- Lag says what retention took, where its seconds come from, and the members of the group; `lag_problems`
-- (created by schema.sql) says what could not be read.
ALTER TABLE lag ADD COLUMN lost BIGINT DEFAULT 0;
ALTER TABLE lag ADD COLUMN seconds_from VARCHAR;
ALTER TABLE lag ADD COLUMN members INTEGER;
UPDATE lag SET seconds_from = 'interpolated' WHERE seconds > 0;
UPDATE meta SET value = '6' WHERE key = 'schema_version';
