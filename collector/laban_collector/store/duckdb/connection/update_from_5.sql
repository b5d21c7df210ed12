-- Version 6: more kinds of calls and messages are counted. The collector counts them again.
DROP TABLE edges;
DELETE FROM unmet_links;
DELETE FROM meta WHERE key = 'edges_counted';
UPDATE meta SET value = '6' WHERE key = 'schema_version';
