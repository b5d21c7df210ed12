-- Where edges are worked out from spans; of this connection only.
--
-- What matters of a span. Attributes are most of what is stored, and are read of RPC spans only: hence in two parts.
CREATE TEMP VIEW edge_spans AS
WITH whole AS (
    SELECT rowid AS row, trace_hi, trace_lo, span_id, parent_id, start, kind, resource_id, duration,
           duration AS latency, status, http_status, http_method, rpc_system, rpc_service, db_system, db_namespace,
           peer_service, peer_address, peer_port, name, messaging_system, messaging_operation,
           messaging_destination, messaging_group, messaging_batch_count, arrival
    FROM spans
    WHERE rpc_system IS NULL
    UNION ALL
    -- A stream lasts as long as somebody listens: it is a call, but its duration is no latency.
    SELECT rowid, trace_hi, trace_lo, span_id, parent_id, start, kind, resource_id, duration,
           CASE WHEN contains(attributes, '"laban.rpc.streaming"') THEN NULL ELSE duration END, status, http_status,
           http_method, rpc_system, rpc_service, db_system, db_namespace, peer_service, peer_address, peer_port,
           name, messaging_system, messaging_operation, messaging_destination, messaging_group,
           messaging_batch_count, arrival
    FROM spans
    WHERE rpc_system IS NOT NULL
)
SELECT whole.* EXCLUDE (resource_id), service FROM whole JOIN resources USING (resource_id);

-- Those that are needed to understand the asked ones; what they tell alone was counted before.
CREATE TEMP TABLE edge_others AS FROM edge_spans LIMIT 0;
CREATE TEMP TABLE edge_rows (row BIGINT);
-- How they are found. As tables, for DuckDB joins well only where it knows which side is small.
CREATE TEMP TABLE edge_traces (trace_hi UBIGINT, trace_lo UBIGINT);
CREATE TEMP TABLE edge_consumers (arrival UBIGINT, trace_hi UBIGINT, trace_lo UBIGINT, span_id UBIGINT);
-- What they all link to, and the producers among that which are neither asked for nor needed otherwise.
CREATE TEMP TABLE edge_links AS FROM unmet_links LIMIT 0;
CREATE TEMP TABLE edge_producers (
    from_hi UBIGINT, from_lo UBIGINT, from_span UBIGINT, sent TIMESTAMP_NS, published VARCHAR, old BOOLEAN
);
