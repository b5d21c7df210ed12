-- A correlation whose trace brings no new span is there already.
INSERT INTO correlations BY NAME
SELECT *, hash(value) AS value_hash
FROM batch_correlations
SEMI JOIN batch_spans USING (trace_hi, trace_lo)
