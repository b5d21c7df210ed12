-- The sum of the counts of some minutes. An empty name stands for those beyond a limit (see name_limits.py).
INSERT INTO edge_counts BY NAME
SELECT source, target, coalesce(nullif(protocol, ''), 'other') AS protocol, evidence, nullif(address, '') AS address,
       nullif(rpc_service, '') AS rpc_service, flow, part, is_async, bucket, sum(calls)::BIGINT AS calls,
       sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed, sum(elapsed)::BIGINT AS elapsed
FROM edges
WHERE minute >= $since AND minute < $until
GROUP BY ALL
