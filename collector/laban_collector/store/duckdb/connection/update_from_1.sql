-- Version 2: rows that belong to a span have its commit, and there are digests (created by schema.sql). The commit of a
-- correlation is unknown; 0 makes every query read it.
ALTER TABLE span_events ADD COLUMN arrival UBIGINT DEFAULT 0;
ALTER TABLE span_links ADD COLUMN arrival UBIGINT DEFAULT 0;
ALTER TABLE correlations ADD COLUMN arrival UBIGINT DEFAULT 0;
UPDATE span_events e SET arrival = s.arrival FROM spans s
WHERE s.trace_lo = e.trace_lo AND s.trace_hi = e.trace_hi AND s.span_id = e.span_id;
UPDATE span_links l SET arrival = s.arrival FROM spans s
WHERE s.trace_lo = l.trace_lo AND s.trace_hi = l.trace_hi AND s.span_id = l.span_id;
UPDATE meta SET value = '2' WHERE key = 'schema_version';
