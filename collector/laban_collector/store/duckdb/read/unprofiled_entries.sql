-- Some traces of the newest commits that no profile contains yet, and whose root has a name. The order is that of random
-- ids, so which traces these are does not depend on what they look like.
WITH newest AS (
    SELECT arrival FROM (
        SELECT arrival, spans, sum(spans) OVER (ORDER BY arrival DESC) AS running
        FROM ledger
        WHERE arrival > coalesce((SELECT value::UBIGINT FROM meta WHERE key = 'profiled'), 0)
    )
    WHERE running - spans < $spans
)
SELECT trace_hi, trace_lo, epoch_ns(min(start)) AS start
FROM spans
WHERE arrival >= (SELECT min(arrival) FROM newest) AND name = $name AND (parent_id = 0 OR kind IN (2, 5))
  AND resource_id IN (
      SELECT resource_id FROM resources WHERE service = $service AND namespace IS NOT DISTINCT FROM $namespace
  )
GROUP BY trace_hi, trace_lo
ORDER BY hash(trace_lo), trace_hi
LIMIT $limit
