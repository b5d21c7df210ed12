-- The changes by some commits; counts are negative for edges that were counted before and turned out wrong.
SELECT minute, source, target, protocol, evidence, address, rpc_service, flow, part, event_type, version,
       is_async, bucket,
       sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
       sum(elapsed)::BIGINT AS elapsed
FROM edge_counts
GROUP BY ALL
HAVING sum(calls) <> 0 OR sum(errors) <> 0 OR sum(timed) <> 0 OR sum(elapsed) <> 0
