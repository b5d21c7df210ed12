INSERT INTO meta (key, value) VALUES ('schema_version', ?)
