-- The names and kinds of the spans of a service in a window, the most frequent first.
SELECT name, kind
FROM spans
WHERE spans.start >= make_timestamp_ns($since) AND spans.start < make_timestamp_ns($until)
  AND resource_id IN (
      SELECT resource_id FROM resources
      WHERE service = $service OR coalesce(namespace || '/', '') || service = $service
  )
GROUP BY name, kind
ORDER BY count(*) DESC, name, kind
LIMIT $limit
