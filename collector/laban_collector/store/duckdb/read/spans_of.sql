-- All columns of spans of some traces, in any order. Services are looked up by resource id, because a join costs more.
-- Columns have the names of the fields of `Span`.
SELECT trace_hi, trace_lo, span_id, parent_id, resource_id, name, kind, epoch_ns(start) AS start, duration, status,
       status_message, http_method, http_route, http_status, rpc_system, rpc_service, rpc_method, messaging_system,
       messaging_operation, messaging_destination AS topic, messaging_group AS "group",
       messaging_partition AS partition, messaging_offset AS "offset", messaging_key AS message_key,
       messaging_batch_count AS batch_count, peer_address, peer_port, peer_service, db_system, db_namespace,
       error_type, message_type, message_version, attributes, arrival
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], trace_lo)
  AND spans.start >= make_timestamp_ns($since) AND spans.start < make_timestamp_ns($until)
LIMIT $limit
