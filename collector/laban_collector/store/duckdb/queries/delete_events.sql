DELETE FROM span_events
WHERE (trace_hi, trace_lo, span_id) IN (SELECT (trace_hi, trace_lo, span_id) FROM spans WHERE arrival <= $until)
