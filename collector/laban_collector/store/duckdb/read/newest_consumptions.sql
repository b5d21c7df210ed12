-- The newest traces in which a group has processed messages of a topic.
SELECT trace_hi, trace_lo, epoch_ns(max(start)) AS newest
FROM spans
WHERE spans.start >= make_timestamp_ns($since) AND spans.start < make_timestamp_ns($until)
  AND kind = 5 AND messaging_group = $group AND messaging_destination = $topic
GROUP BY trace_hi, trace_lo
ORDER BY newest DESC, trace_hi, trace_lo
LIMIT $limit
