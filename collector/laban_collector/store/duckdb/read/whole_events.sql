-- Events of some spans of a trace.
SELECT trace_hi, trace_lo, span_id, epoch_ns(time) AS time, name, attributes, dropped_attributes
FROM span_events
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND trace_lo = $trace_lo::UBIGINT
  AND span_id IN (SELECT unnest($span_ids::UBIGINT[]))
ORDER BY span_events.time
