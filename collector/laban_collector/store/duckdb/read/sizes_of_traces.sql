-- The number of spans of some traces, in a range of commits.
SELECT trace_lo, count(*) AS spans FROM spans
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT AND trace_lo IN (SELECT unnest($wanted::UBIGINT[]))
GROUP BY trace_lo
