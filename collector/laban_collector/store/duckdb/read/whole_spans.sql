-- All columns of the spans of some traces that come after one of them, by start. Columns without a comment have the names
-- of the fields of `WholeSpan`.
SELECT trace_hi, trace_lo, span_id, parent_id, trace_state, flags, name, kind, epoch_ns(start) AS start, duration,
       status, status_message, attributes, dropped_attributes, dropped_events, dropped_links, resource_id, scope_id, arrival,
       -- promoted
       http_method, http_route, http_status, rpc_system, rpc_service, rpc_method, messaging_system,
       messaging_operation, messaging_destination, messaging_group, messaging_partition, messaging_offset,
       messaging_key, messaging_batch_count, peer_address, peer_port, peer_service, db_system, db_namespace,
       error_type, message_type, message_version
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], trace_lo)
  AND (
      spans.start > make_timestamp_ns($start)
      OR spans.start = make_timestamp_ns($start)
         AND (spans.span_id > $span_id::UBIGINT OR spans.span_id = $span_id::UBIGINT AND spans.kind > $kind)
  )
ORDER BY spans.start, span_id, kind
LIMIT $limit
