-- The same as traces_with.sql without grouping, which takes longer than finding a few rows.
SELECT trace_hi, trace_lo, starts_with(key, $prefix) AS named, epoch_ns(first) AS first_ns, epoch_ns(last) AS last_ns
FROM correlations
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT
  AND value = $value AND (starts_with(key, $prefix) OR key = 'kafka.key')
LIMIT $limit
