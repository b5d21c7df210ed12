-- The rows of a value of any business key. Not grouped, which takes longer than finding a few rows.
SELECT trace_hi, trace_lo, key, epoch_ns(first) AS first_ns, epoch_ns(last) AS last_ns
FROM correlations
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND value = $value
LIMIT $limit
