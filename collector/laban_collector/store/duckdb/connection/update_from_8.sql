-- Version 9: the table of log records, which schema.sql creates.
UPDATE meta SET value = '9' WHERE key = 'schema_version';
