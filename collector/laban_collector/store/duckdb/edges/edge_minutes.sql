-- The calls of some edges by minute, and how many of them failed or were slow. What counts is as in edges.sql.
WITH facts AS MATERIALIZED (
    SELECT minute, flow, part, bucket, sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors,
           sum(timed)::BIGINT AS timed
    FROM edges
    WHERE minute >= $since AND minute < $until AND ($source IS NULL OR source = $source)
      AND (target IN (SELECT unnest($targets))
           OR (starts_with(target, 'external:') AND (address = $address OR rpc_service = $rpc_service)))
    GROUP BY ALL
),
flows AS (
    SELECT flow, bool_or(part = 'process') AS processing, bool_or(part = 'create') AS creating,
           bool_or(part = 'send') AS sending, bool_or(part = 'client send') AS sending_batches
    FROM facts WHERE flow IS NOT NULL
    GROUP BY flow
),
parts AS (
    SELECT f.*,
           CASE part WHEN 'receive' THEN NOT processing
                     WHEN 'create' THEN sending_batches OR NOT sending
                     WHEN 'client send' THEN NOT creating AND NOT sending
                     ELSE true END AS counts,
           CASE part WHEN 'receive' THEN NOT processing
                     WHEN 'create' THEN NOT sending_batches AND NOT sending
                     ELSE true END AS tells
    FROM facts f
    LEFT JOIN flows USING (flow)
)
SELECT minute * 60_000_000_000 AS minute, coalesce(sum(calls) FILTER (counts), 0)::BIGINT AS calls,
       coalesce(sum(errors) FILTER (tells), 0)::BIGINT AS errors,
       coalesce(sum(timed) FILTER (tells AND bucket >= $slow), 0)::BIGINT AS slow
FROM parts
GROUP BY minute
HAVING sum(calls) FILTER (counts) > 0
ORDER BY minute
