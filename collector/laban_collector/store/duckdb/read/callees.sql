-- For each wanted address or RPC service: the service that reported the callee's span.
WITH wanted AS (
    SELECT unnest($addresses::VARCHAR[]) AS address, unnest($ports::BIGINT[]) AS port,
           unnest($rpc_services::VARCHAR[]) AS rpc_service
)
SELECT DISTINCT p.peer_address AS address, p.peer_port AS port, p.rpc_service,
                coalesce(r.namespace || '/', '') || r.service AS service
FROM spans p
JOIN wanted w
  ON p.peer_address IS NOT DISTINCT FROM w.address AND p.peer_port IS NOT DISTINCT FROM w.port
     AND p.rpc_service IS NOT DISTINCT FROM w.rpc_service
JOIN spans c ON p.span_id = c.parent_id AND p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi
JOIN resources r ON r.resource_id = c.resource_id
WHERE c.kind = 2 AND p.kind = 3
  AND c.start >= make_timestamp_ns($since) AND c.start < make_timestamp_ns($until)
  AND p.start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE
ORDER BY ALL
