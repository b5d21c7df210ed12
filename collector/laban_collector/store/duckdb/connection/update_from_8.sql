-- Version 9: the table of log records, and `edge_totals` and `unsettled_edges`, which schema.sql creates. The totals begin
-- with what is counted from now on.
UPDATE meta SET value = '9' WHERE key = 'schema_version';
