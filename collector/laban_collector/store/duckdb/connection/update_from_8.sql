-- Version 9: the totals of edges are kept in `edge_totals` and `unsettled_edges` (created by schema.sql). They begin with
-- what is counted from now on.
UPDATE meta SET value = '9' WHERE key = 'schema_version';
