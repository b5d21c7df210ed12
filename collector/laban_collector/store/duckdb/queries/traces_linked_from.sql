-- Traces with a span that links to one of these: consequences.
SELECT DISTINCT trace_hi, trace_lo
FROM span_links
WHERE (linked_trace_lo, linked_trace_hi) IN (SELECT unnest($lows::UBIGINT[]), unnest($highs::UBIGINT[]))
  AND (trace_lo, trace_hi) NOT IN (SELECT unnest($lows::UBIGINT[]), unnest($highs::UBIGINT[]))
