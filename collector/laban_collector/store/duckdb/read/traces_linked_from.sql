-- Traces with a span that links to one of these, which may be among them; and to which one.
SELECT trace_hi, trace_lo, linked_trace_hi, linked_trace_lo
FROM span_links
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($sought::UBIGINT[], linked_trace_lo)
