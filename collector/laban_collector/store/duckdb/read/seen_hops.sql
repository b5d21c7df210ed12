-- The newest trace of each service with each kind of span and each other side, in a window.
SELECT coalesce(r.namespace || '/', '') || r.service AS service, s.kind, s.messaging_operation AS operation,
       s.messaging_destination AS topic, s.messaging_group AS consumer_group, s.db_system, s.db_namespace,
       CASE WHEN s.kind = 3 THEN s.peer_service END AS peer_service,
       CASE WHEN s.kind = 3 THEN s.peer_address END AS peer_address,
       CASE WHEN s.kind = 3 THEN s.peer_port END AS peer_port,
       CASE WHEN s.kind = 3 THEN s.rpc_service END AS rpc_service,
       s.message_type, s.message_version, count(*) AS calls,
       arg_max(s.trace_hi, s.start) AS trace_hi, arg_max(s.trace_lo, s.start) AS trace_lo
FROM spans s JOIN resources r USING (resource_id)
WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
GROUP BY ALL
ORDER BY calls DESC, trace_hi, trace_lo
LIMIT $limit
