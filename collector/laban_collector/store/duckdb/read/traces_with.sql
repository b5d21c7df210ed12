-- Traces in which a business key has a value, in a range of commits. `named`: by a key that starts with the prefix, and
-- not by a bare Kafka key. Named ones first, then the newest.
SELECT trace_hi, trace_lo, starts_with(key, $prefix) AS named,
       epoch_ns(min(first)) AS first_ns, epoch_ns(max(last)) AS last_ns
FROM correlations
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT
  AND value = $value AND (starts_with(key, $prefix) OR key = 'kafka.key')
GROUP BY trace_hi, trace_lo, named
ORDER BY named DESC, last_ns DESC
LIMIT $limit
