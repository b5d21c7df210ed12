-- Events of some traces, by time.
SELECT trace_hi, trace_lo, span_id, epoch_ns(time), name, attributes
FROM span_events
WHERE (trace_lo, trace_hi) IN (SELECT unnest($lows::UBIGINT[]), unnest($highs::UBIGINT[]))
ORDER BY time
