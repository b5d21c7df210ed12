-- The changes, with other names instead of those beyond the limits of their hour.
SELECT minute, coalesce(s.instead, source) AS source, coalesce(t.instead, target) AS target,
       coalesce(p.instead, protocol) AS protocol, evidence,
       -- Callees that are not named need no address either.
       CASE WHEN t.instead IS NULL THEN coalesce(a.instead, address) END AS address,
       CASE WHEN t.instead IS NULL THEN coalesce(o.instead, rpc_service) END AS rpc_service,
       coalesce(f.instead, flow) AS flow, part, event_type, version, is_async, bucket,
       sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
       sum(elapsed)::BIGINT AS elapsed
FROM edge_changes c
LEFT JOIN edge_refused s ON s.hour = c.minute // 60 AND s.kind = split_part(source, ':', 1) AND s.name = source
LEFT JOIN edge_refused t ON t.hour = c.minute // 60 AND t.kind = split_part(target, ':', 1) AND t.name = target
LEFT JOIN edge_refused p ON p.hour = c.minute // 60 AND p.kind = 'protocol' AND p.name = protocol
LEFT JOIN edge_refused a ON a.hour = c.minute // 60 AND a.kind = 'address' AND a.name = address
LEFT JOIN edge_refused o ON o.hour = c.minute // 60 AND o.kind = 'operation' AND o.name = rpc_service
LEFT JOIN edge_refused f ON f.hour = c.minute // 60 AND f.kind = 'flow' AND f.name = flow
GROUP BY ALL
