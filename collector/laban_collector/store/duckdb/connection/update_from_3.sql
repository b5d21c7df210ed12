-- Version 4: resources and scopes have numbers; stored ones keep their hashes. Values are found without a hash. Links
-- without a producer are kept with the counts, which are computed again.
ALTER TABLE resources ADD COLUMN hash UBIGINT;
UPDATE resources SET hash = resource_id;
ALTER TABLE scopes ADD COLUMN hash UBIGINT;
UPDATE scopes SET hash = scope_id;
ALTER TABLE correlations DROP COLUMN value_hash;
DELETE FROM edges;
DELETE FROM meta WHERE key = 'edges_counted';
UPDATE meta SET value = '4' WHERE key = 'schema_version';
