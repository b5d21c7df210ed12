DELETE FROM span_links
WHERE (trace_hi, trace_lo, span_id) IN (SELECT (trace_hi, trace_lo, span_id) FROM spans WHERE arrival <= $until)
