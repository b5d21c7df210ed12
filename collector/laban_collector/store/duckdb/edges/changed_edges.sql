-- The changes of the table `edges`, which does not tell event types apart.
SELECT minute, source, target, protocol, evidence, address, rpc_service, flow, part, is_async, bucket,
       sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
       sum(elapsed)::BIGINT AS elapsed
FROM edge_changes
GROUP BY ALL
HAVING sum(calls) <> 0 OR sum(errors) <> 0 OR sum(timed) <> 0 OR sum(elapsed) <> 0
