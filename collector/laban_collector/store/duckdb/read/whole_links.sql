-- Links of some spans of some traces.
SELECT trace_hi, trace_lo, span_id, linked_trace_hi, linked_trace_lo, linked_span_id, trace_state, flags, attributes,
       dropped_attributes
FROM span_links
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], trace_lo)
  AND span_id IN (SELECT unnest($span_ids::UBIGINT[]))
