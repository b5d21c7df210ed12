-- Traces with a span that links to one of some traces, and the trace that it links to.
SELECT trace_hi, trace_lo, linked_trace_hi, linked_trace_lo
FROM span_links
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], linked_trace_lo)
