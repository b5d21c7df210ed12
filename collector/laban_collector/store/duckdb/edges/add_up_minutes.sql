-- Adds up the counts of minutes that were counted in parts.
CREATE TEMP TABLE added_up AS
SELECT minute, source, target, protocol, evidence, address, rpc_service, flow, part, is_async, bucket,
       sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
       sum(elapsed)::BIGINT AS elapsed
FROM edges
WHERE minute IN (SELECT unnest($minutes))
GROUP BY ALL
HAVING sum(calls) <> 0 OR sum(errors) <> 0 OR sum(timed) <> 0 OR sum(elapsed) <> 0
ORDER BY minute, source, target, protocol
