-- Links of the spans of some traces.
SELECT trace_hi, trace_lo, span_id, linked_trace_hi, linked_trace_lo, linked_span_id
FROM span_links
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], trace_lo)
