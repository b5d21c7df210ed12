-- Who answers where: for each address or RPC service that clients called, the service that reported below.
SELECT DISTINCT p.peer_address, p.peer_port, p.rpc_service, r.service
FROM spans c
JOIN spans p ON p.span_id = c.parent_id AND p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi
JOIN resources r ON r.resource_id = c.resource_id
WHERE c.kind = 2 AND p.kind = 3
  AND c.start >= make_timestamp_ns($since) AND c.start < make_timestamp_ns($until)
  AND p.start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE
ORDER BY ALL
