-- The distinct names in some hours, those in `edges` first, then new ones by calls. A name is one of the texts of which
-- the rows of `edges` consist; its kind says where it occurs.
-- MATERIALIZED, because each row is read once for each of its texts.
WITH stored AS MATERIALIZED (
    SELECT DISTINCT minute // 60 AS hour, source, target, protocol, address, rpc_service, flow
    FROM edges
    WHERE minute BETWEEN $first * 60 AND $last * 60 + 59 AND minute // 60 IN (SELECT unnest($unknown))
),
changed AS MATERIALIZED (
    SELECT minute // 60 AS hour, source, target, protocol, address, rpc_service, flow, sum(calls) AS calls
    FROM edge_changes
    WHERE minute // 60 IN (SELECT unnest($hours))
    GROUP BY ALL
),
hours AS (
    SELECT *, 0 AS calls, true AS is_stored FROM stored
    UNION ALL BY NAME
    SELECT *, false AS is_stored FROM changed
),
names AS (
    SELECT hour, is_stored, calls, split_part(source, ':', 1) AS kind, source AS name FROM hours
    UNION ALL
    SELECT hour, is_stored, calls, split_part(target, ':', 1), target FROM hours
    UNION ALL
    SELECT hour, is_stored, calls, 'protocol', protocol FROM hours
    UNION ALL
    SELECT hour, is_stored, calls, 'address', address FROM hours WHERE address IS NOT NULL
    UNION ALL
    SELECT hour, is_stored, calls, 'operation', rpc_service FROM hours WHERE rpc_service IS NOT NULL
    UNION ALL
    SELECT hour, is_stored, calls, 'flow', flow FROM hours WHERE flow IS NOT NULL
)
SELECT hour, kind, name, bool_or(is_stored) AS is_stored
FROM names
GROUP BY hour, kind, name
ORDER BY hour, is_stored DESC, sum(calls) DESC, kind, name
