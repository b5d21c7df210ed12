-- Temporary tables in which edges are computed from spans; local to this connection.
--
-- The namespace is part of the identity of a service.
CREATE TEMP VIEW edge_services AS
SELECT resource_id, coalesce(namespace || '/', '') || service AS service FROM resources;

-- What edges need of each span. Attributes are most of the data and are read only for RPC spans: hence two parts.
-- The role of a span: 0 internal work, 1 serves a request, 2 makes a call, 3 publishes a message, 4 consumes one. A span
-- without a kind makes a call if it names a peer. Elasticsearch's client for Python records its calls as internal work.
CREATE TEMP VIEW edge_spans AS
WITH whole AS (
    SELECT *, rowid AS row, duration AS latency FROM spans WHERE rpc_system IS NULL
    UNION ALL
    -- A stream is a call, but it lasts as long as its client listens: its duration is not a latency.
    SELECT *, rowid, CASE WHEN contains(attributes, getvariable('edge_streaming')) THEN NULL ELSE duration END
    FROM spans WHERE rpc_system IS NOT NULL
)
SELECT row, trace_hi, trace_lo, span_id, parent_id, start, duration, latency, arrival, r.service, kind,
       CASE WHEN kind = 4 THEN 3
            WHEN messaging_operation IN ('receive', 'process') THEN 4
            WHEN kind = 5 THEN CASE messaging_operation WHEN 'settle' THEN 0 ELSE 4 END
            WHEN kind = 2 THEN 1
            WHEN messaging_operation IN ('send', 'create') THEN 3
            WHEN kind = 3 THEN 2
            WHEN kind = 0 AND coalesce(peer_service, peer_address, db_system) IS NOT NULL THEN 2
            WHEN kind = 1 AND db_system = 'elasticsearch' AND peer_address IS NOT NULL THEN 2
            ELSE 0
       END::UTINYINT AS role,
       status = 2 AS failed,
       -- Of HTTP errors, those that the callee is to blame for.
       CASE kind WHEN 3 THEN status = 2 AND coalesce(http_status, 500) >= 500
                 ELSE status = 2 OR coalesce(http_status, 0) >= 500 END AS call_failed,
       coalesce(db_system, rpc_system, CASE WHEN http_method IS NOT NULL THEN 'http' END) AS protocol,
       rpc_service, db_system, db_namespace, peer_service, peer_address, peer_port,
       -- Looking up and connecting to a host are steps of a call.
       kind = 3 AND coalesce(db_system, rpc_system, http_method, peer_service) IS NULL
           AND lower(left(name, 4)) IN ('dns.', 'dns ', 'tcp.', 'tcp ', 'tls.', 'tls ') AS connects,
       messaging_system, messaging_operation, messaging_destination, messaging_group, messaging_batch_count,
       left(message_type, 200) AS event_type, left(message_version, 200) AS version
FROM whole JOIN edge_services r USING (resource_id);

-- Spans that the selected ones need; their own edges were counted before.
CREATE TEMP TABLE edge_others AS FROM edge_spans LIMIT 0;
CREATE TEMP TABLE edge_rows (row BIGINT);
-- The keys to find them by. Tables, because DuckDB joins well only if it knows which side is small.
CREATE TEMP TABLE edge_traces (trace_lo UBIGINT);
CREATE TEMP TABLE edge_consumers (arrival UBIGINT, trace_hi UBIGINT, trace_lo UBIGINT, span_id UBIGINT);
-- The links of all these spans, and the linked producers that are neither selected nor needed for other reasons.
CREATE TEMP TABLE edge_links AS FROM unmet_links LIMIT 0;
CREATE TEMP TABLE edge_producers (
    from_hi UBIGINT, from_lo UBIGINT, from_span UBIGINT, sent TIMESTAMP_NS, published VARCHAR, system VARCHAR,
    sender VARCHAR, event_type VARCHAR, version VARCHAR, old BOOLEAN
);
-- The high halves of traces that some services call by their low half only.
CREATE TEMP TABLE edge_forms (trace_hi UBIGINT, trace_lo UBIGINT, short UBIGINT);
-- The keys of the spans of which edges are computed, and pairs of them (see pairs.sql).
CREATE TEMP TABLE edge_keys (
    row BIGINT, trace_hi UBIGINT, trace_lo UBIGINT, span_id UBIGINT, parent_id UBIGINT, role UTINYINT, receives BOOLEAN
);
CREATE TEMP TABLE edge_pairs (lower_row BIGINT, upper_row BIGINT);
CREATE TEMP TABLE edge_related AS
SELECT *, span_id AS upper_id, kind AS upper_kind, role AS upper_role, service AS upper_service,
       messaging_destination AS upper_topic, messaging_group AS upper_group, messaging_system AS upper_system,
       messaging_operation AS upper_operation, event_type AS upper_event_type, version AS upper_version,
       call_failed AS upper_failed, latency AS upper_latency,
       protocol AS upper_protocol, peer_address AS upper_address, peer_port AS upper_port, true AS upper_named
FROM (SELECT *, false AS old FROM edge_spans) LIMIT 0;
