-- The latencies of the busiest names: at each time, and, without a time, of the whole window. Buckets add up.
WITH names AS MATERIALIZED (
    SELECT name, sum(calls) AS calls FROM latency_counts GROUP BY name HAVING sum(timed) > 0
),
counts AS MATERIALIZED (
    FROM latency_counts SEMI JOIN (FROM names ORDER BY calls DESC, name LIMIT $most) USING (name)
),
buckets AS (
    SELECT name, time, bucket, sum(timed)::BIGINT AS timed, sum(elapsed) / sum(timed) AS latency
    FROM counts
    GROUP BY GROUPING SETS ((name, time, bucket), (name, bucket))
    HAVING sum(timed) > 0
),
latencies AS (
    SELECT name, time, list(latency ORDER BY latency) AS latencies, list(timed ORDER BY latency) AS timed
    FROM buckets
    GROUP BY name, time
),
sums AS (
    SELECT name, time, sum(calls)::BIGINT AS calls, least(sum(errors), sum(calls))::BIGINT AS errors
    FROM counts
    GROUP BY GROUPING SETS ((name, time), (name))
)
SELECT sums.time, name, calls, errors, latencies, timed, (SELECT count(*) FROM names) AS names
FROM sums JOIN latencies l USING (name)
WHERE sums.time IS NOT DISTINCT FROM l.time
ORDER BY name, sums.time
