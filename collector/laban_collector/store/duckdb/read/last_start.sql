-- The start of the span of some traces that is behind a number of others, by start.
SELECT epoch_ns(start) AS start
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], trace_lo)
  AND spans.start >= make_timestamp_ns($since) AND spans.start < make_timestamp_ns($until)
ORDER BY spans.start
LIMIT 1 OFFSET $before
