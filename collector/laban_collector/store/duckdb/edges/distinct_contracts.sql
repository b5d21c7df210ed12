-- The distinct event types and versions of each edge in some hours, those in `contracts` first, then new ones by calls.
-- Edges and contracts are known by hashes.
WITH stored AS (
    SELECT DISTINCT minute // 60 AS hour, hash(source, target, protocol)::VARCHAR AS edge,
           hash(event_type, version) AS contract, event_type IS NOT DISTINCT FROM $other AS is_other
    FROM contracts
    WHERE minute BETWEEN $first * 60 AND $last * 60 + 59 AND minute // 60 IN (SELECT unnest($unknown))
),
changed AS (
    SELECT minute // 60 AS hour, hash(source, target, protocol)::VARCHAR AS edge, hash(event_type, version) AS contract,
           sum(calls) AS calls
    FROM contract_changes
    WHERE minute // 60 IN (SELECT unnest($hours))
    GROUP BY ALL
)
SELECT hour, edge, contract, bool_or(is_stored) AS is_stored, bool_or(is_other) AS is_other
FROM (
    SELECT hour, edge, contract, true AS is_stored, is_other, 0 AS calls FROM stored
    UNION ALL
    SELECT hour, edge, contract, false, false, calls FROM changed
)
GROUP BY hour, edge, contract
ORDER BY hour, is_stored DESC, sum(calls) DESC, edge, contract
