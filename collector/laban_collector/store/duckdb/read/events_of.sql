-- Events of some traces.
SELECT trace_hi, trace_lo, span_id, epoch_ns(time) AS time, name, attributes
FROM span_events
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], trace_lo)
