-- Hops from facts: who talks to whom, with counts, percentiles and evidence.
-- Latencies are in buckets of 3 %, each with its sum, so that what stands alone in its bucket is exact.
WITH facts AS MATERIALIZED (
    SELECT source, target, protocol, evidence, address, rpc_service, consumer, receiving, bucket,
           sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
           sum(elapsed)::DOUBLE AS elapsed
    FROM hop_edges
    GROUP BY ALL
    HAVING sum(calls) > 0
),
-- Who answers where: an address or an RPC service that always led to one service.
addresses AS (
    SELECT address, min(target) AS target
    FROM facts WHERE address IS NOT NULL AND evidence = 'parent'
    GROUP BY address HAVING count(DISTINCT target) = 1
),
rpc_services AS (
    SELECT rpc_service, min(target) AS target
    FROM facts WHERE rpc_service IS NOT NULL AND starts_with(target, 'service:')
    GROUP BY rpc_service HAVING count(DISTINCT target) = 1
),
-- A receive and a process span of one message count one: where there are the latter, the former do not count.
processing AS (SELECT DISTINCT consumer FROM facts WHERE NOT receiving),
hops AS MATERIALIZED (
    SELECT f.source,
           CASE WHEN starts_with(f.target, 'external:') THEN coalesce(a.target, r.target, f.target) ELSE f.target END
               AS target,
           f.protocol, f.evidence, f.bucket, f.calls, f.errors, f.timed, f.elapsed
    FROM facts f
    LEFT JOIN addresses a USING (address)
    LEFT JOIN rpc_services r USING (rpc_service)
    LEFT JOIN processing p ON p.consumer = f.consumer
    WHERE f.receiving IS DISTINCT FROM true OR p.consumer IS NULL
),
ranked AS (
    SELECT source, target, protocol, elapsed / timed AS latency,
           sum(timed) OVER (PARTITION BY source, target, protocol ORDER BY bucket) AS up_to,
           sum(timed) OVER (PARTITION BY source, target, protocol) - 1 AS last
    FROM (
        SELECT source, target, protocol, bucket, sum(timed)::BIGINT AS timed, sum(elapsed) AS elapsed
        FROM hops WHERE timed > 0 GROUP BY ALL
    )
),
-- Between two neighbours in rank the share that each quantile has, as quantile_cont; latencies rise with the rank.
quantiles AS (
    SELECT source, target, protocol, list(below + (rank - floor(rank)) * (above - below) ORDER BY rank) AS quantiles
    FROM (
        SELECT source, target, protocol, share * last AS rank,
               min(latency) FILTER (up_to > floor(share * last)) AS below,
               min(latency) FILTER (up_to > ceil(share * last)) AS above
        FROM ranked CROSS JOIN (VALUES (0.5), (0.95), (0.99)) AS asked (share)
        GROUP BY source, target, protocol, share, last
    )
    GROUP BY ALL
)
SELECT source, target, protocol, sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, quantiles,
       coalesce(sum(calls) FILTER (evidence = 'parent'), 0)::BIGINT AS by_parent,
       coalesce(sum(calls) FILTER (evidence = 'link'), 0)::BIGINT AS by_link,
       coalesce(sum(calls) FILTER (evidence = 'attribute'), 0)::BIGINT AS by_attribute
FROM hops
LEFT JOIN quantiles USING (source, target, protocol)
GROUP BY ALL
ORDER BY source, target, protocol
