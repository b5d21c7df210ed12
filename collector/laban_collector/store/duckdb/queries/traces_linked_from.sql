-- Traces with a span that links to one of these, which may be among them.
SELECT DISTINCT trace_hi, trace_lo
FROM span_links
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT
  AND (linked_trace_lo, linked_trace_hi) IN (SELECT unnest($lows::UBIGINT[]), unnest($highs::UBIGINT[]))
