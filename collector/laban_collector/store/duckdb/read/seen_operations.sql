-- The operations that server spans of a window name, by the service of the span above, and the newest trace of each.
WITH served AS (
    SELECT s.trace_hi, s.trace_lo, s.parent_id, s.start, s.name, s.http_method, s.http_route, s.rpc_system,
           s.rpc_service, s.rpc_method, coalesce(r.namespace || '/', '') || r.service AS service
    FROM spans s JOIN resources r USING (resource_id)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until) AND s.kind = 2
      AND s.messaging_destination IS NULL
),
above AS (
    SELECT p.trace_hi, p.trace_lo, p.span_id, any_value(coalesce(r.namespace || '/', '') || r.service) AS caller
    FROM spans p
    SEMI JOIN served c ON p.span_id = c.parent_id AND p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi
    JOIN resources r ON r.resource_id = p.resource_id
    WHERE p.start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE
      AND p.start < make_timestamp_ns($until) + INTERVAL 10 MINUTE
    GROUP BY ALL
)
SELECT a.caller, c.parent_id = 0 AS is_entry, c.service,
       -- Without an operation, only the name tells what was asked; it may have IDs, so it is not read for nothing.
       CASE WHEN c.http_route IS NULL AND c.rpc_method IS NULL THEN c.name ELSE '' END AS name,
       c.http_method, c.http_route, c.rpc_system, c.rpc_service, c.rpc_method, count(*) AS calls,
       arg_max(c.trace_hi, c.start) AS trace_hi, arg_max(c.trace_lo, c.start) AS trace_lo
FROM served c
LEFT JOIN above a ON a.span_id = c.parent_id AND a.trace_lo = c.trace_lo AND a.trace_hi = c.trace_hi
GROUP BY ALL
ORDER BY calls DESC, trace_hi, trace_lo
LIMIT $limit
