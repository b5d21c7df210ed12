-- The newest values of a business key in a window.
SELECT value, epoch_ns(max(last)) AS last_seen
FROM correlations
WHERE starts_with(key, $prefix)
  AND last >= make_timestamp_ns($since) AND first < make_timestamp_ns($until)
GROUP BY value
ORDER BY last_seen DESC, value
LIMIT $limit
