-- Synchronous calls: caller → callee, by protocol.
-- A call is one of: a server span below a caller's span; a span of another service directly below a client span; a
-- client span below which no callee reported; a server span without a reporting caller.
--
-- Most parents are clients: they are joined first, with all columns of a client; the few others follow, by key only.
-- Node ids are built after calls are added up, because far fewer rows are left.
INSERT INTO edge_counts BY NAME
-- Spans that may have been called.
WITH callees AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, parent_id, start, role, service, peer_service, call_failed AS failed, latency,
           coalesce(protocol, 'rpc') AS protocol, rpc_service
    FROM edge_traced WHERE role < 2
),
clients AS NOT MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, start, service, call_failed AS failed, duration, latency,
           coalesce(protocol, 'rpc') AS protocol, db_system, db_namespace, peer_service, peer_address, peer_port,
           rpc_service, messaging_system IS NULL AND messaging_destination IS NULL AND NOT connects AS calls
    FROM edge_traced WHERE role = 2
),
-- Where each callee looks for its client: at the parent; a span shared by two services also at its other half.
looking AS NOT MATERIALIZED (
    SELECT *, parent_id AS caller_id, false AS shares FROM callees
    UNION ALL
    SELECT *, span_id, true FROM callees WHERE role = 1
),
-- Both sides of each call; the client alone if no callee reported; the callee alone if no client reported.
met AS MATERIALIZED (
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.parent_id, c.start, c.role, c.service AS target,
           c.peer_service AS named_caller, c.failed AS callee_failed, c.latency, c.protocol, c.rpc_service, c.shares,
           p.trace_hi AS client_hi, p.trace_lo AS client_lo, p.span_id AS client_id, p.start AS client_start,
           p.service AS source, p.failed AS client_failed, p.duration AS client_duration, p.latency AS client_latency,
           p.protocol AS client_protocol, p.db_system, p.db_namespace, p.peer_service, p.peer_address, p.peer_port,
           p.rpc_service AS client_rpc_service, p.calls
    FROM looking c
    FULL JOIN clients p ON p.trace_lo = c.trace_lo AND p.span_id = c.caller_id AND p.trace_hi = c.trace_hi
    WHERE CASE WHEN c.shares IS NULL THEN p.calls ELSE NOT c.shares OR p.span_id IS NOT NULL END
),
shared AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, min(source) AS client_service, min(target) AS server_service
    FROM met WHERE shares
    GROUP BY ALL
),
-- Callees with a client as parent. The caller of a shared span is its client half, not the parent that both halves
-- name.
below_client AS NOT MATERIALIZED (
    SELECT m.*
    FROM met m
    ANTI JOIN shared s
      ON s.trace_lo = m.trace_lo AND s.trace_hi = m.trace_hi AND s.span_id = m.span_id AND m.role = 1
    WHERE NOT m.shares AND m.client_id IS NOT NULL
),
-- Spans below a shared span belong to its server half, except for those of the client's service.
below_server_half AS MATERIALIZED (
    SELECT m.*
    FROM below_client m
    JOIN shared h ON h.trace_lo = m.client_lo AND h.trace_hi = m.client_hi AND h.span_id = m.client_id
    WHERE m.target <> h.client_service OR m.target = h.server_service
),
under_client AS MATERIALIZED (
    SELECT *, role = 1 OR source <> target AS is_call
    FROM (
        SELECT * FROM met WHERE shares
        UNION ALL
        SELECT m.*
        FROM below_client m
        ANTI JOIN below_server_half h
          ON h.trace_lo = m.trace_lo AND h.trace_hi = m.trace_hi AND h.span_id = m.span_id AND h.role = m.role
    )
),
under_others AS NOT MATERIALIZED (
    SELECT m.*
    FROM met m
    ANTI JOIN shared s
      ON s.trace_lo = m.trace_lo AND s.trace_hi = m.trace_hi AND s.span_id = m.span_id AND m.role = 1
    WHERE NOT m.shares AND m.client_id IS NULL
    UNION ALL
    FROM below_server_half
),
orphans AS MATERIALIZED (SELECT * FROM under_others WHERE parent_id <> 0),
parents AS MATERIALIZED (
    SELECT p.trace_hi, p.trace_lo, p.span_id, p.role, p.service
    FROM edge_traced p
    SEMI JOIN orphans o ON o.trace_lo = p.trace_lo AND o.trace_hi = p.trace_hi AND o.parent_id = p.span_id
    WHERE p.role <> 2
),
-- Spans that a producer and a consumer share: what is below belongs to the consumer.
shared_messages AS MATERIALIZED (
    SELECT p.trace_hi, p.trace_lo, p.span_id
    FROM (FROM parents WHERE role = 4) p
    SEMI JOIN (FROM parents WHERE role = 3) s USING (trace_hi, trace_lo, span_id)
),
under_parent AS MATERIALIZED (
    SELECT o.*, p.service AS caller, p.role AS parent_role
    FROM orphans o
    LEFT JOIN (
        FROM parents ANTI JOIN (SELECT *, 3 AS role FROM shared_messages) USING (trace_hi, trace_lo, span_id, role)
    ) p ON p.trace_lo = o.trace_lo AND p.trace_hi = o.trace_hi AND p.span_id = o.parent_id
),
-- Calls, publishing and consuming directly below a client span: of its own service a step of the call, of another
-- service a proof that the call arrived.
steps AS MATERIALIZED (
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.start, c.role, c.kind, c.service, c.peer_service AS own_peer,
           c.peer_address AS own_address, c.protocol IS NOT NULL AS has_protocol,
           coalesce(c.db_system, c.peer_service, c.peer_address, c.rpc_service) IS NOT NULL AS named,
           coalesce(c.messaging_system, c.messaging_destination, c.messaging_group) IS NOT NULL AS of_messages,
           c.trace_hi AS client_hi, c.trace_lo AS client_lo, c.upper_id AS client_id, c.upper_service AS source,
           c.upper_failed AS failed, c.upper_latency AS client_latency,
           coalesce(c.upper_protocol, 'rpc') AS protocol,
           c.upper_address AS peer_address, c.upper_port AS peer_port, c.upper_named AS client_named,
           c.service <> c.upper_service AS is_call
    FROM edge_related c
    LEFT JOIN shared h ON h.trace_lo = c.trace_lo AND h.trace_hi = c.trace_hi AND h.span_id = c.upper_id
    WHERE c.upper_role = 2 AND (h.span_id IS NULL OR (c.service = h.client_service AND c.service <> h.server_service))
),
-- Clients below a client of their service that another service answered.
answered_steps AS (
    SELECT trace_hi, trace_lo, span_id FROM steps
    SEMI JOIN (
        SELECT client_hi AS trace_hi, client_lo AS trace_lo, client_id AS span_id FROM under_client WHERE is_call
        UNION ALL
        SELECT client_hi, client_lo, client_id FROM steps WHERE is_call
    ) AS answered USING (trace_hi, trace_lo, span_id)
    WHERE role = 2 AND NOT is_call
),
-- Clients that are no calls of their own: of a call and its steps, one counts.
not_alone AS (
    SELECT client_hi, client_lo, client_id FROM steps WHERE is_call OR NOT client_named
    UNION ALL
    SELECT client_hi, client_lo, client_id FROM steps SEMI JOIN answered_steps USING (trace_hi, trace_lo, span_id)
    UNION ALL
    SELECT trace_hi, trace_lo, span_id
    FROM steps
    WHERE role = 2
      AND CASE WHEN is_call THEN kind = 0 AND own_peer = source  -- it names its caller
               ELSE client_named
                    AND (NOT named OR NOT has_protocol OR own_address IS NULL OR peer_address IS NULL
                         OR own_address = peer_address
                         OR regexp_matches(own_address, '^[0-9.]+$|:')
                            <> regexp_matches(peer_address, '^[0-9.]+$|:'))
          END
    UNION ALL
    -- Requests to the broker are steps of publishing and receiving.
    SELECT trace_hi, trace_lo, span_id
    FROM edge_related
    WHERE role = 2 AND service = upper_service
      AND (upper_role = 3 OR (upper_role = 4 AND upper_operation = 'receive'))
),
-- Clients without a callee, and clients with only spans of their own service below them.
no_calls AS MATERIALIZED (
    SELECT * EXCLUDE (is_call)
    FROM under_client
    WHERE NOT is_call AND calls
    QUALIFY row_number() OVER (PARTITION BY client_hi, client_lo, client_id) = 1
),
unanswered AS (
    FROM (
        SELECT * FROM met WHERE shares IS NULL
        UNION ALL
        FROM no_calls
        ANTI JOIN (
            SELECT client_hi, client_lo, client_id FROM under_client SEMI JOIN no_calls
                USING (client_hi, client_lo, client_id)
            WHERE is_call
        ) AS answered USING (client_hi, client_lo, client_id)
    )
    ANTI JOIN not_alone USING (client_hi, client_lo, client_id)
),
-- Without a server span, one span of the callee stands for the call.
without_server AS MATERIALIZED (FROM under_client WHERE is_call AND role = 0),
servers AS (
    SELECT client_hi, client_lo, client_id, target FROM under_client
    SEMI JOIN without_server USING (client_hi, client_lo, client_id)
    WHERE role = 1
),
answered_calls AS (
    SELECT start, source, target, protocol, CASE WHEN latency IS NOT NULL THEN client_duration END AS latency,
           callee_failed OR client_failed AS failed, 'parent' AS evidence, peer_address, peer_port,
           rpc_service, latency AS served
    FROM under_client
    WHERE role = 1
    UNION ALL
    SELECT start, source, target, client_protocol, client_latency, callee_failed OR client_failed, 'parent',
           peer_address, peer_port, NULL, NULL
    FROM (
        FROM without_server
        ANTI JOIN servers USING (client_hi, client_lo, client_id, target)
        QUALIFY row_number() OVER (PARTITION BY client_hi, client_lo, client_id, target ORDER BY start, span_id) = 1
    )
    UNION ALL
    SELECT start, source, service, protocol, client_latency, failed, 'parent', peer_address, peer_port, NULL, NULL
    FROM (
        FROM steps
        ANTI JOIN (SELECT client_hi, client_lo, client_id, target AS service FROM under_client WHERE is_call)
            USING (client_hi, client_lo, client_id, service)
        WHERE is_call
        QUALIFY row_number() OVER (
            PARTITION BY client_hi, client_lo, client_id, service ORDER BY start, span_id, kind
        ) = 1
    )
    WHERE role < 4 OR NOT of_messages
    UNION ALL
    -- A span below another span of the same service is not a call, unless a client made it. What is below a span that
    -- publishes is in messages_consumed.sql.
    SELECT start, caller, target, protocol, latency, callee_failed, 'parent', NULL, NULL,
           CASE role WHEN 1 THEN rpc_service END, CASE role WHEN 1 THEN latency END
    FROM under_parent
    WHERE parent_role <> 3 AND CASE role WHEN 1 THEN parent_role = 0 OR caller <> target ELSE caller <> target END
    UNION ALL
    SELECT start,
           CASE WHEN named_caller <> target THEN 'external:' || named_caller
                WHEN parent_id = 0 THEN 'entry:clients'
                ELSE 'unseen:callers'
           END,
           target, protocol, latency, callee_failed, 'attribute', NULL, NULL, rpc_service, latency
    FROM (
        SELECT start, role, parent_id, named_caller, target, protocol, latency, callee_failed, rpc_service
        FROM under_others WHERE parent_id = 0
        UNION ALL
        SELECT start, role, parent_id, named_caller, target, protocol, latency, callee_failed, rpc_service
        FROM under_parent WHERE parent_role IS NULL
    )
    WHERE role = 1
),
answered_sums AS (
    SELECT epoch_ns(start) // 60_000_000_000 AS minute, source, target, protocol, evidence, peer_address, peer_port,
           rpc_service, floor(ln(greatest(latency, 1)) * 32)::SMALLINT AS bucket, count(*) AS calls,
           count_if(failed) AS errors, count(latency) AS timed, sum(latency)::BIGINT AS elapsed
    FROM answered_calls
    WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
    GROUP BY ALL
),
-- How long the servers took themselves, for the totals of metrics only: the bucket is the bound of a histogram.
served_sums AS (
    SELECT epoch_ns(start) // 60_000_000_000 AS minute, source, target, protocol, evidence, peer_address, peer_port,
           rpc_service, list_extract($bounds::SMALLINT[], floor(ln(greatest(served, 1)) * 32)::SMALLINT + 1) AS bucket,
           count(*) AS timed, sum(served)::BIGINT AS elapsed
    FROM answered_calls
    WHERE $totals AND served IS NOT NULL
      AND start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
    GROUP BY ALL
),
unanswered_sums AS (
    SELECT epoch_ns(client_start) // 60_000_000_000 AS minute, source, client_protocol AS protocol, db_system,
           db_namespace, peer_service, peer_address, peer_port, client_rpc_service AS rpc_service,
           floor(ln(greatest(client_latency, 1)) * 32)::SMALLINT AS bucket, count(*) AS calls,
           count_if(client_failed) AS errors, count(client_latency) AS timed, sum(client_latency)::BIGINT AS elapsed
    FROM unanswered
    WHERE client_start >= make_timestamp_ns($since) AND client_start < make_timestamp_ns($until)
    GROUP BY ALL
),
sums AS (
    SELECT minute, CASE evidence WHEN 'parent' THEN 'service:' || source ELSE source END AS source,
           'service:' || target AS target, protocol, evidence, peer_address || coalesce(':' || peer_port, '') AS address,
           rpc_service, bucket, calls, errors, timed, elapsed, NULL AS part
    FROM answered_sums
    UNION ALL
    SELECT minute, CASE evidence WHEN 'parent' THEN 'service:' || source ELSE source END, 'service:' || target,
           protocol, evidence, peer_address || coalesce(':' || peer_port, ''), rpc_service, bucket, 0, 0, timed, elapsed,
           'served'
    FROM served_sums
    UNION ALL
    -- A callee without any name is unknown; the name of a span says what was done, not where. Two callers may mean two
    -- callees.
    SELECT minute, 'service:' || source,
           CASE WHEN db_system IS NOT NULL THEN 'database:' || db_system || coalesce('/' || db_namespace, '')
                ELSE 'external:' || coalesce(peer_service, peer_address || coalesce(':' || peer_port, ''), rpc_service,
                                             'unknown/' || source)
           END,
           protocol, 'attribute', peer_address || coalesce(':' || peer_port, ''), rpc_service, bucket, calls, errors,
           timed, elapsed, NULL
    FROM unanswered_sums
)
SELECT minute, source, target, protocol, evidence, address, rpc_service, part, false AS is_async, bucket,
       CASE WHEN $all THEN calls ELSE -calls END AS calls, CASE WHEN $all THEN errors ELSE -errors END AS errors,
       CASE WHEN $all THEN timed ELSE -timed END AS timed, CASE WHEN $all THEN elapsed ELSE -elapsed END AS elapsed
FROM sums
