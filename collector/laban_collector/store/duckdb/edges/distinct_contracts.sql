-- The distinct event types and versions of each edge in some hours, those in `contracts` first, then new ones by calls.
-- Edges and contracts are known by hashes.
WITH stored AS (
    SELECT DISTINCT minute // 60 AS hour, source, target, protocol, event_type, version
    FROM contracts
    WHERE minute BETWEEN $first * 60 AND $last * 60 + 59 AND minute // 60 IN (SELECT unnest($unknown))
),
changed AS (
    SELECT minute // 60 AS hour, source, target, protocol, event_type, version, sum(calls) AS calls
    FROM contract_changes
    WHERE minute // 60 IN (SELECT unnest($hours))
    GROUP BY ALL
)
SELECT hour, hash(source, target, protocol)::VARCHAR AS edge, hash(event_type, version) AS contract,
       bool_or(is_stored) AS is_stored, bool_or(is_stored AND event_type IS NOT DISTINCT FROM $other) AS is_other
FROM (
    SELECT *, true AS is_stored, 0 AS calls FROM stored
    UNION ALL BY NAME
    SELECT *, false AS is_stored FROM changed
)
GROUP BY hour, source, target, protocol, event_type, version
ORDER BY hour, is_stored DESC, sum(calls) DESC, source, target, protocol, event_type, version
