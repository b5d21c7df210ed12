-- Of very many nodes, the busiest stay; the others become one node for each kind. Flows keep their names, so a message is
-- counted as before. Of very many addresses and RPC services, only the busiest help to name callees.
CREATE TEMP TABLE edge_folded AS
WITH ends AS (
    SELECT source AS node, calls FROM edge_counts
    UNION ALL
    SELECT target, calls FROM edge_counts
),
nodes AS MATERIALIZED (
    SELECT node
    FROM ends
    WHERE split_part(node, ':', 1) IN (SELECT unnest($kinds))
    GROUP BY node
    ORDER BY sum(calls) DESC, node
    OFFSET $most
),
addresses AS MATERIALIZED (
    SELECT address FROM edge_counts WHERE address IS NOT NULL
    GROUP BY address ORDER BY sum(calls) DESC, address OFFSET $most
),
operations AS MATERIALIZED (
    SELECT rpc_service FROM edge_counts WHERE rpc_service IS NOT NULL
    GROUP BY rpc_service ORDER BY sum(calls) DESC, rpc_service OFFSET $most
)
SELECT
    CASE WHEN s.node IS NULL THEN source ELSE map($kinds, $others)[split_part(source, ':', 1)] END AS source,
    CASE WHEN t.node IS NULL THEN target ELSE map($kinds, $others)[split_part(target, ':', 1)] END AS target,
    protocol, evidence,
    CASE WHEN t.node IS NULL AND a.address IS NULL THEN c.address END AS address,
    CASE WHEN t.node IS NULL AND o.rpc_service IS NULL THEN c.rpc_service END AS rpc_service,
    flow, part, is_async, bucket, sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors,
    sum(timed)::BIGINT AS timed, sum(elapsed)::BIGINT AS elapsed
FROM edge_counts c
LEFT JOIN nodes s ON s.node = source
LEFT JOIN nodes t ON t.node = target
LEFT JOIN addresses a ON a.address = c.address
LEFT JOIN operations o ON o.rpc_service = c.rpc_service
GROUP BY ALL
