-- The newest traces that published to some topics in a window.
SELECT messaging_destination AS topic, trace_hi, trace_lo
FROM spans
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
  AND list_contains($topics::VARCHAR[], messaging_destination)
  AND (kind = 4 OR (kind <> 2 AND messaging_operation IN ('send', 'create', 'publish')))
GROUP BY messaging_destination, trace_hi, trace_lo
QUALIFY row_number() OVER (PARTITION BY messaging_destination ORDER BY max(start) DESC, trace_lo, trace_hi) <= $each
ORDER BY topic, max(start) DESC, trace_lo, trace_hi
