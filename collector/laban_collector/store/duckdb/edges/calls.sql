-- Synchronous calls: caller → callee, by protocol.
-- A call is one of: a server span below a caller's span; a client span below which no callee reported; a server span
-- without a reporting caller.
--
-- Most parents are clients: they are joined first, with all columns of a client; the few others follow, by key only.
-- Node ids are built after calls are added up, because far fewer rows are left.
INSERT INTO edge_counts BY NAME
-- Spans that may have been called.
WITH callees AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, parent_id, start, kind, service,
           status = 2 OR coalesce(http_status, 0) >= 500 AS failed, latency,
           coalesce(rpc_system, CASE WHEN http_method IS NOT NULL THEN 'http' END, 'rpc') AS protocol, rpc_service
    FROM edge_scope WHERE kind < 3 AND (old OR $all)
),
clients AS (
    SELECT trace_hi, trace_lo, span_id, start, service,
           status = 2 AND coalesce(http_status, 500) >= 500 AS failed, duration, latency,
           coalesce(db_system, rpc_system, CASE WHEN http_method IS NOT NULL THEN 'http' END, 'rpc') AS protocol,
           db_system, db_namespace, peer_service, peer_address, peer_port, rpc_service, name,
           messaging_system IS NULL AND messaging_destination IS NULL AS calls
    FROM edge_scope WHERE kind = 3 AND (old OR $all)
),
-- Where each callee looks for its client: at the parent; a span shared by two services also at its other half.
looking AS (
    SELECT *, parent_id AS caller_id, false AS shares FROM callees
    UNION ALL
    SELECT *, span_id, true FROM callees WHERE kind = 2
),
-- Both sides of each call; the client alone if no callee reported; the callee alone if no client reported.
met AS MATERIALIZED (
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.parent_id, c.start, c.kind, c.service AS target,
           c.failed OR coalesce(p.failed, false) AS failed, c.latency, c.protocol, c.rpc_service, c.shares,
           p.trace_hi AS client_hi, p.trace_lo AS client_lo, p.span_id AS client_id, p.start AS client_start,
           p.service AS source, p.failed AS client_failed, p.duration AS client_duration, p.latency AS client_latency,
           p.protocol AS client_protocol, p.db_system, p.db_namespace, p.peer_service, p.peer_address, p.peer_port,
           p.rpc_service AS client_rpc_service, p.name, p.calls
    FROM looking c
    FULL JOIN clients p ON p.trace_lo = c.trace_lo AND p.span_id = c.caller_id AND p.trace_hi = c.trace_hi
    WHERE CASE WHEN c.shares IS NULL THEN p.calls ELSE NOT c.shares OR p.span_id IS NOT NULL END
),
shared AS MATERIALIZED (SELECT trace_hi, trace_lo, span_id FROM met WHERE shares),
-- The caller of a shared span is its client half, not the parent that both halves name. Spans below a shared span
-- belong to its server half.
under_client AS MATERIALIZED (
    SELECT *, kind = 2 OR source <> target AS is_call
    FROM (
        SELECT * FROM met WHERE shares
        UNION ALL
        SELECT m.*
        FROM met m
        ANTI JOIN shared s
          ON s.trace_lo = m.trace_lo AND s.trace_hi = m.trace_hi AND s.span_id = m.span_id AND m.kind = 2
        ANTI JOIN shared h ON h.trace_lo = m.client_lo AND h.trace_hi = m.client_hi AND h.span_id = m.client_id
        WHERE NOT m.shares AND m.client_id IS NOT NULL
    )
),
under_others AS (
    SELECT m.*
    FROM met m
    ANTI JOIN shared s
      ON s.trace_lo = m.trace_lo AND s.trace_hi = m.trace_hi AND s.span_id = m.span_id AND m.kind = 2
    WHERE NOT m.shares AND m.client_id IS NULL
    UNION ALL
    SELECT m.*
    FROM met m
    ANTI JOIN shared s
      ON s.trace_lo = m.trace_lo AND s.trace_hi = m.trace_hi AND s.span_id = m.span_id AND m.kind = 2
    SEMI JOIN shared h ON h.trace_lo = m.client_lo AND h.trace_hi = m.client_hi AND h.span_id = m.client_id
    WHERE NOT m.shares
),
orphans AS MATERIALIZED (SELECT * FROM under_others WHERE parent_id <> 0),
parents AS MATERIALIZED (
    SELECT p.trace_hi, p.trace_lo, p.span_id, p.kind, p.service
    FROM callees p
    SEMI JOIN orphans o ON o.trace_lo = p.trace_lo AND o.trace_hi = p.trace_hi AND o.parent_id = p.span_id
),
under_parent AS (
    SELECT o.*, p.service AS caller, p.kind AS parent_kind
    FROM orphans o
    LEFT JOIN parents p ON p.trace_lo = o.trace_lo AND p.trace_hi = o.trace_hi AND p.span_id = o.parent_id
),
-- Clients without a callee, and clients with only spans of their own service below them.
answered AS (
    SELECT client_hi, client_lo, client_id
    FROM under_client
    SEMI JOIN (SELECT client_hi, client_lo, client_id FROM under_client WHERE NOT is_call) AS no_calls
        USING (client_hi, client_lo, client_id)
    GROUP BY ALL
    HAVING NOT bool_or(is_call)
),
unanswered AS (
    SELECT * FROM met WHERE shares IS NULL
    UNION ALL
    SELECT m.*
    FROM met m
    SEMI JOIN answered a USING (client_hi, client_lo, client_id)
    WHERE m.calls
    QUALIFY row_number() OVER (PARTITION BY m.client_hi, m.client_lo, m.client_id) = 1
),
answered_calls AS (
    SELECT start, source, target, protocol, CASE WHEN latency IS NOT NULL THEN client_duration END AS latency, failed,
           'parent' AS evidence, peer_address, peer_port, CASE kind WHEN 2 THEN rpc_service END AS rpc_service
    FROM under_client
    WHERE is_call
    UNION ALL
    -- A span below another span of the same service is not a call, unless a client made it.
    SELECT start, caller, target, protocol, latency, failed, 'parent', NULL, NULL, CASE kind WHEN 2 THEN rpc_service END
    FROM under_parent
    WHERE CASE kind WHEN 2 THEN parent_kind <> 2 OR caller <> target ELSE caller <> target END
    UNION ALL
    SELECT start, NULL, target, protocol, latency, failed, 'attribute', NULL, NULL, rpc_service
    FROM (
        SELECT start, kind, target, protocol, latency, failed, rpc_service FROM under_others WHERE parent_id = 0
        UNION ALL
        SELECT start, kind, target, protocol, latency, failed, rpc_service FROM under_parent WHERE parent_kind IS NULL
    )
    WHERE kind = 2
),
answered_sums AS (
    SELECT epoch_ns(start) // 60_000_000_000 AS minute, source, target, protocol, evidence, peer_address, peer_port,
           rpc_service, floor(ln(greatest(latency, 1)) * 32)::SMALLINT AS bucket, count(*) AS calls,
           count_if(failed) AS errors, count(latency) AS timed, sum(latency)::BIGINT AS elapsed
    FROM answered_calls
    WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
    GROUP BY ALL
),
unanswered_sums AS (
    SELECT epoch_ns(client_start) // 60_000_000_000 AS minute, source, client_protocol AS protocol, db_system,
           db_namespace, peer_service, peer_address, peer_port, client_rpc_service AS rpc_service,
           CASE WHEN coalesce(db_system, peer_service, peer_address, client_rpc_service) IS NULL THEN name END AS name,
           floor(ln(greatest(client_latency, 1)) * 32)::SMALLINT AS bucket, count(*) AS calls,
           count_if(client_failed) AS errors, count(client_latency) AS timed, sum(client_latency)::BIGINT AS elapsed
    FROM unanswered
    WHERE client_start >= make_timestamp_ns($since) AND client_start < make_timestamp_ns($until)
    GROUP BY ALL
),
sums AS (
    SELECT minute, coalesce('service:' || source, 'entry:clients') AS source, 'service:' || target AS target, protocol,
           evidence, peer_address || ':' || peer_port AS address, rpc_service, bucket, calls, errors, timed, elapsed
    FROM answered_sums
    UNION ALL
    SELECT minute, 'service:' || source,
           CASE WHEN db_system IS NOT NULL THEN 'database:' || db_system || coalesce('/' || db_namespace, '')
                ELSE 'external:' || coalesce(peer_service, peer_address || ':' || peer_port, peer_address, rpc_service,
                                             name)
           END,
           protocol, 'attribute', peer_address || ':' || peer_port, rpc_service, bucket, calls, errors, timed, elapsed
    FROM unanswered_sums
)
SELECT minute, source, target, protocol, evidence, address, rpc_service, bucket,
       CASE WHEN $all THEN calls ELSE -calls END AS calls, CASE WHEN $all THEN errors ELSE -errors END AS errors,
       CASE WHEN $all THEN timed ELSE -timed END AS timed, CASE WHEN $all THEN elapsed ELSE -elapsed END AS elapsed
FROM sums
