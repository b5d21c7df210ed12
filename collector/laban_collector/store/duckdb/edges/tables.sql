-- Temporary tables in which edges are computed from spans; local to this connection.
--
-- The relevant columns. Attributes are most of the data and are read only for RPC spans: hence two parts.
CREATE TEMP VIEW edge_spans AS
WITH whole AS (
    SELECT rowid AS row, trace_hi, trace_lo, span_id, parent_id, start, kind, resource_id, duration,
           duration AS latency, status, http_status, http_method, rpc_system, rpc_service, db_system, db_namespace,
           peer_service, peer_address, peer_port, name, messaging_system, messaging_operation,
           messaging_destination, messaging_group, messaging_batch_count, arrival
    FROM spans
    WHERE rpc_system IS NULL
    UNION ALL
    -- A stream is a call, but it lasts as long as its client listens: its duration is not a latency.
    SELECT rowid, trace_hi, trace_lo, span_id, parent_id, start, kind, resource_id, duration,
           CASE WHEN contains(attributes, getvariable('edge_streaming')) THEN NULL ELSE duration END, status, http_status,
           http_method, rpc_system, rpc_service, db_system, db_namespace, peer_service, peer_address, peer_port,
           name, messaging_system, messaging_operation, messaging_destination, messaging_group,
           messaging_batch_count, arrival
    FROM spans
    WHERE rpc_system IS NOT NULL
)
SELECT whole.* EXCLUDE (resource_id), service FROM whole JOIN resources USING (resource_id);

-- Spans that the selected ones need; their own edges were counted before.
CREATE TEMP TABLE edge_others AS FROM edge_spans LIMIT 0;
CREATE TEMP TABLE edge_rows (row BIGINT);
-- The keys to find them by. Tables, because DuckDB joins well only if it knows which side is small.
CREATE TEMP TABLE edge_traces (trace_hi UBIGINT, trace_lo UBIGINT);
CREATE TEMP TABLE edge_consumers (arrival UBIGINT, trace_hi UBIGINT, trace_lo UBIGINT, span_id UBIGINT);
-- The links of all these spans, and the linked producers that are neither selected nor needed for other reasons.
CREATE TEMP TABLE edge_links AS FROM unmet_links LIMIT 0;
CREATE TEMP TABLE edge_producers (
    from_hi UBIGINT, from_lo UBIGINT, from_span UBIGINT, sent TIMESTAMP_NS, published VARCHAR, old BOOLEAN
);
