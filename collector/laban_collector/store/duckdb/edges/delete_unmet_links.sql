DELETE FROM unmet_links u
USING met_links m
WHERE u.arrival = m.arrival AND u.span_id = m.span_id AND u.trace_lo = m.trace_lo AND u.trace_hi = m.trace_hi
  AND u.from_span = m.from_span AND u.from_lo = m.from_lo AND u.from_hi = m.from_hi
