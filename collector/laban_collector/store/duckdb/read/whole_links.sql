-- Links of some spans of a trace.
SELECT trace_hi, trace_lo, span_id, linked_trace_hi, linked_trace_lo, linked_span_id, trace_state, flags, attributes,
       dropped_attributes
FROM span_links
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND trace_lo = $trace_lo::UBIGINT
  AND span_id IN (SELECT unnest($span_ids::UBIGINT[]))
