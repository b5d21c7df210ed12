-- Events of some spans of some traces.
SELECT trace_hi, trace_lo, span_id, epoch_ns(time) AS time, name, attributes, dropped_attributes
FROM span_events
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], trace_lo)
  AND span_id IN (SELECT unnest($span_ids::UBIGINT[]))
ORDER BY span_events.time
