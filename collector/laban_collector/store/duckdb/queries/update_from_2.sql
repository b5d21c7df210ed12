-- Version 3: hops are counted in `edges` (made by schema.sql); what is stored is counted by the collector.
UPDATE meta SET value = '3' WHERE key = 'schema_version'
