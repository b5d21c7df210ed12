-- Traces in which a business key has a value, in a range of commits. `named`: the key starts with the prefix and is not
-- a bare Kafka key. Named traces first, then newest first.
SELECT trace_hi, trace_lo, starts_with(key, $prefix) AS named,
       epoch_ns(min(first)) AS first_ns, epoch_ns(max(last)) AS last_ns
FROM correlations
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT
  AND value = $value AND (starts_with(key, $prefix) OR key = 'kafka.key')
GROUP BY trace_hi, trace_lo, named
ORDER BY named DESC, last_ns DESC
LIMIT $limit
