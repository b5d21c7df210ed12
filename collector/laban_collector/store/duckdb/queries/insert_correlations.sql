-- A correlation whose trace brings no new span is there already. MATERIALIZED: see duplicate_rows.sql.
INSERT INTO correlations BY NAME
WITH found AS MATERIALIZED (FROM batch_correlations),
new AS MATERIALIZED (SELECT trace_hi, trace_lo FROM batch_spans)
SELECT *, hash(value) AS value_hash
FROM found
SEMI JOIN new USING (trace_hi, trace_lo)
