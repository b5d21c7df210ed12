-- Version 4: resources and scopes have numbers, those that are there their hashes; a value is found without its hash;
-- which links wait for who sent them stands beside the counts, which are made anew.
ALTER TABLE resources ADD COLUMN hash UBIGINT;
UPDATE resources SET hash = resource_id;
ALTER TABLE scopes ADD COLUMN hash UBIGINT;
UPDATE scopes SET hash = scope_id;
ALTER TABLE correlations DROP COLUMN value_hash;
DELETE FROM edges;
DELETE FROM meta WHERE key = 'edges_counted';
UPDATE meta SET value = '4' WHERE key = 'schema_version';
