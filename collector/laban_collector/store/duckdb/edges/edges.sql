-- Edges: source and target, with counts, percentiles and evidence.
-- Latencies are in buckets of 3 %; each bucket has its count and its mean, which is exact for a single latency.
WITH facts AS MATERIALIZED (
    SELECT source, target, protocol, evidence, address, rpc_service, flow, part, is_async, bucket,
           sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
           sum(elapsed)::DOUBLE AS elapsed
    FROM edge_counts
    GROUP BY ALL
    HAVING sum(calls) > 0
),
-- A receive and a process span of one message count once: receive spans do not count beside process spans. Of a batch,
-- the spans that create its messages count; the spans that send it have the errors and the latency.
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
),
-- Messages without a destination: if a consumer is known, they went there.
delivered AS (
    SELECT DISTINCT source, protocol FROM facts
    WHERE starts_with(flow, 'consumed by ') AND starts_with(source, 'service:')
),
edges AS MATERIALIZED (
    SELECT coalesce(s.name, p.source) AS source, coalesce(t.name, p.target) AS target, p.protocol, p.evidence, p.is_async,
           p.bucket, CASE WHEN counts THEN p.calls ELSE 0 END AS calls, CASE WHEN tells THEN p.errors ELSE 0 END AS errors,
           CASE WHEN tells THEN p.timed ELSE 0 END AS timed, p.elapsed
    FROM parts p
    LEFT JOIN edge_names t
      ON t.node = p.target AND t.address IS NOT DISTINCT FROM p.address
         AND t.rpc_service IS NOT DISTINCT FROM p.rpc_service
    LEFT JOIN (FROM edge_names WHERE address IS NULL AND rpc_service IS NULL) s ON s.node = p.source
    LEFT JOIN delivered d
      ON d.source = p.source AND d.protocol = p.protocol AND p.is_async AND starts_with(p.target, 'external:')
    WHERE (counts OR tells) AND d.source IS NULL
),
buckets AS (
    SELECT source, target, protocol, is_async, sum(timed)::BIGINT AS timed, sum(elapsed) / sum(timed) AS latency
    FROM edges
    WHERE timed > 0
    GROUP BY source, target, protocol, is_async, bucket
),
latencies AS (
    SELECT source, target, protocol, is_async, list(latency ORDER BY latency) AS latencies,
           list(timed ORDER BY latency) AS timed
    FROM buckets
    GROUP BY ALL
)
SELECT source, target, protocol, is_async, sum(calls)::BIGINT AS calls,
       least(sum(errors), sum(calls))::BIGINT AS errors,
       any_value(l.latencies) AS latencies, any_value(l.timed) AS timed,
       coalesce(sum(calls) FILTER (evidence = 'parent'), 0)::BIGINT AS by_parent,
       coalesce(sum(calls) FILTER (evidence = 'link'), 0)::BIGINT AS by_link,
       coalesce(sum(calls) FILTER (evidence = 'attribute'), 0)::BIGINT AS by_attribute
FROM edges
LEFT JOIN latencies l USING (source, target, protocol, is_async)
GROUP BY source, target, protocol, is_async
HAVING sum(calls) > 0
ORDER BY source, target, protocol, is_async
