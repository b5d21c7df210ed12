-- Edges: source and target, with counts, percentiles and evidence.
-- Latencies are in buckets of 3 %; each bucket has its count and its mean, which is exact for a single latency.
WITH facts AS MATERIALIZED (
    SELECT source, target, protocol, evidence, address, rpc_service, consumer, receiving, bucket,
           sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
           sum(elapsed)::DOUBLE AS elapsed
    FROM edge_counts
    GROUP BY ALL
    HAVING sum(calls) > 0
),
-- The service behind an address or an RPC service, if it is always the same.
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
-- A receive and a process span of one message count once: receive spans of a consumer with process spans do not count.
processing AS (SELECT DISTINCT consumer FROM facts WHERE NOT receiving),
edges AS MATERIALIZED (
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
buckets AS (
    SELECT source, target, protocol, sum(timed)::BIGINT AS timed, sum(elapsed) / sum(timed) AS latency
    FROM edges
    WHERE timed > 0
    GROUP BY source, target, protocol, bucket
),
latencies AS (
    SELECT source, target, protocol, list(latency ORDER BY latency) AS latencies, list(timed ORDER BY latency) AS timed
    FROM buckets
    GROUP BY ALL
)
SELECT source, target, protocol, sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors,
       any_value(l.latencies) AS latencies, any_value(l.timed) AS timed,
       coalesce(sum(calls) FILTER (evidence = 'parent'), 0)::BIGINT AS by_parent,
       coalesce(sum(calls) FILTER (evidence = 'link'), 0)::BIGINT AS by_link,
       coalesce(sum(calls) FILTER (evidence = 'attribute'), 0)::BIGINT AS by_attribute
FROM edges
LEFT JOIN latencies l USING (source, target, protocol)
GROUP BY source, target, protocol
ORDER BY source, target, protocol
