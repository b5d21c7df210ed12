-- Adds up the contracts of minutes that were counted in parts.
CREATE TEMP TABLE added_up_contracts AS
SELECT minute, source, target, protocol, flow, part, event_type, version, sum(calls)::BIGINT AS calls,
       sum(errors)::BIGINT AS errors
FROM contracts
WHERE minute IN (SELECT unnest($minutes))
GROUP BY ALL
HAVING sum(calls) <> 0 OR sum(errors) <> 0
ORDER BY minute, source, target, event_type
