-- The newest values of a business key.
SELECT value, epoch_ns(max(last)) AS last_seen
FROM correlations
WHERE starts_with(key, $prefix)
GROUP BY value
ORDER BY last_seen DESC, value
LIMIT $limit
