-- The events of the spans of some traces.
SELECT trace_hi, trace_lo, span_id, epoch_ns(time) AS time, name, attributes
FROM span_events
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT AND trace_lo IN (SELECT unnest($wanted::UBIGINT[]))
