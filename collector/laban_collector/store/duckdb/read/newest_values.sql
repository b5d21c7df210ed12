-- The newest values of the business keys that start with a prefix, in a window.
SELECT key, value, epoch_ns(max(last)) AS last
FROM correlations
WHERE starts_with(key, $prefix)
  AND correlations.last >= make_timestamp_ns($since) AND first < make_timestamp_ns($until)
GROUP BY key, value
ORDER BY last DESC, key, value
LIMIT $limit
