-- Traces in which a business key has one of some values, in a range of commits: of each value, the newest.
SELECT key, value, trace_hi, trace_lo, epoch_ns(min(first)) AS first_ns, epoch_ns(max(last)) AS last_ns
FROM correlations
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT
  AND list_contains($wanted::VARCHAR[], value) AND starts_with(key, $prefix)
GROUP BY key, value, trace_hi, trace_lo
QUALIFY row_number() OVER (PARTITION BY key, value ORDER BY max(last) DESC) <= $limit
