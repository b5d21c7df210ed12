-- Whole spans of some traces, by start; their services by number, for to join them costs more than to look them up.
SELECT trace_hi, trace_lo, span_id, parent_id, resource_id, name, kind, epoch_ns(start), duration, status,
       status_message, http_method, http_route, http_status, rpc_system, rpc_service, rpc_method, messaging_system,
       messaging_operation, messaging_destination, messaging_group, messaging_partition, messaging_offset,
       messaging_key, messaging_batch_count, peer_address, peer_port, peer_service, db_system, db_namespace,
       error_type, attributes, arrival
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($sought::UBIGINT[], trace_lo)
  AND start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
ORDER BY start, span_id
LIMIT $limit
