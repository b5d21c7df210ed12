-- The changes, with one target for all edges beyond the limit of their hour.
SELECT minute, source, CASE WHEN r.edge IS NULL THEN target ELSE $other END AS target, protocol, evidence,
       CASE WHEN r.edge IS NULL THEN address END AS address,
       CASE WHEN r.edge IS NULL THEN rpc_service END AS rpc_service,
       CASE WHEN r.edge IS NULL OR flow IS NULL THEN flow ELSE regexp_extract(flow, '^\w+ by ') || 'other' END AS flow,
       part, event_type, version, is_async, bucket, sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors,
       sum(timed)::BIGINT AS timed, sum(elapsed)::BIGINT AS elapsed
FROM edge_changes c
LEFT JOIN edge_refused r
  ON r.hour = c.minute // 60
     AND r.edge = hash(source, target, protocol, address, rpc_service, flow, is_async)
GROUP BY ALL
