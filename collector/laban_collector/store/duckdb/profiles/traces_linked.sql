-- Traces with a span that links to some traces.
SELECT DISTINCT trace_hi, trace_lo, linked_trace_hi, linked_trace_lo
FROM span_links
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
  AND linked_trace_lo IN (SELECT unnest($wanted::UBIGINT[]))
