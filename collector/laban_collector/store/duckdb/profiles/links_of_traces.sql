-- The links of the spans of some traces.
SELECT trace_hi, trace_lo, span_id, linked_trace_hi, linked_trace_lo, linked_span_id
FROM span_links
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT AND trace_lo IN (SELECT unnest($wanted::UBIGINT[]))
