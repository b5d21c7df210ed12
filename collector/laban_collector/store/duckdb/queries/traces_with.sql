-- Traces in which a business key has a value, newest first. The hash finds it; the value decides.
-- A bare Kafka key counts only where nothing names the value: on another topic it may mean another thing.
WITH found AS (
    SELECT *, starts_with(key, $prefix) AS named
    FROM correlations
    WHERE value_hash = hash($value) AND value = $value AND (starts_with(key, $prefix) OR key = 'kafka.key')
)
SELECT trace_hi, trace_lo, epoch_ns(min(first)) AS first, epoch_ns(max(last)) AS last
FROM found
WHERE named OR NOT EXISTS (SELECT 1 FROM found WHERE named)
GROUP BY trace_hi, trace_lo
ORDER BY last DESC
LIMIT $limit
