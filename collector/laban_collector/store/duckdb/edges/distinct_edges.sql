-- The distinct edges in some hours, those in `edges` first, then new ones by calls. An edge is known by a hash of its
-- names.
WITH stored AS (
    SELECT DISTINCT minute // 60 AS hour,
           hash(source, target, protocol, address, rpc_service, flow, is_async) AS edge
    FROM edges
    WHERE minute BETWEEN $first * 60 AND $last * 60 + 59 AND minute // 60 IN (SELECT unnest($unknown))
),
changed AS (
    SELECT minute // 60 AS hour, hash(source, target, protocol, address, rpc_service, flow, is_async) AS edge,
           sum(calls) AS calls
    FROM edge_changes
    WHERE minute // 60 IN (SELECT unnest($hours))
    GROUP BY ALL
)
SELECT hour, 'edge' AS kind, edge, bool_or(is_stored) AS is_stored
FROM (
    SELECT hour, edge, true AS is_stored, 0 AS calls FROM stored
    UNION ALL
    SELECT hour, edge, false, calls FROM changed
)
GROUP BY hour, edge
ORDER BY hour, is_stored DESC, sum(calls) DESC, edge
