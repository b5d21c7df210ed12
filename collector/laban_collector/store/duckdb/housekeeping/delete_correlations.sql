-- The correlations of traces that have no spans left.
WITH gone AS (SELECT DISTINCT trace_hi, trace_lo FROM spans WHERE arrival <= $until),
still AS (SELECT DISTINCT trace_hi, trace_lo FROM spans SEMI JOIN gone USING (trace_hi, trace_lo) WHERE arrival > $until),
whole AS (FROM gone ANTI JOIN still USING (trace_hi, trace_lo))
DELETE FROM correlations
USING whole
WHERE correlations.trace_hi = whole.trace_hi AND correlations.trace_lo = whole.trace_lo
