-- Whole spans of some traces, by start.
SELECT s.trace_hi, s.trace_lo, s.span_id, s.parent_id, r.service, s.name, s.kind, epoch_ns(s.start), s.duration,
       s.status, s.status_message, s.http_method, s.http_route, s.http_status, s.rpc_system, s.rpc_service,
       s.rpc_method, s.messaging_system, s.messaging_operation, s.messaging_destination, s.messaging_group,
       s.messaging_partition, s.messaging_offset, s.messaging_key, s.messaging_batch_count, s.peer_address,
       s.peer_port, s.peer_service, s.db_system, s.db_namespace, s.error_type, s.attributes
FROM spans s JOIN resources r USING (resource_id)
WHERE s.arrival BETWEEN $from::UBIGINT AND $to::UBIGINT
  AND (s.trace_lo, s.trace_hi) IN (SELECT unnest($lows::UBIGINT[]), unnest($highs::UBIGINT[]))
  AND s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
ORDER BY s.start, s.span_id
LIMIT $limit
