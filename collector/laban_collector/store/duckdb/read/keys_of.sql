-- The business keys of some traces, at most so many each, with values that were seen in a window.
SELECT DISTINCT trace_hi, trace_lo, key, value
FROM correlations
JOIN (SELECT unnest($highs::UBIGINT[]) AS trace_hi, unnest($lows::UBIGINT[]) AS trace_lo) USING (trace_hi, trace_lo)
WHERE last >= make_timestamp_ns($since) AND first < make_timestamp_ns($until)
QUALIFY dense_rank() OVER (PARTITION BY trace_hi, trace_lo ORDER BY key, value) <= $limit
ORDER BY trace_hi, trace_lo, key, value
