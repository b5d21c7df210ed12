-- Synchronous calls of a window: caller → callee, by protocol.
-- A call is a server span under a caller's span; or a client span under which no callee ever reported;
-- or a server span that nobody called who reports.
--
-- Most parents are clients: those are joined first, with all that a client has; the few others follow, by keys
-- alone. Attributes are most of what is stored, and are read of RPC spans only: hence spans in two parts.
WITH places AS (SELECT resource_id, (dense_rank() OVER (ORDER BY service))::UINTEGER AS place, service FROM resources),
names AS (SELECT DISTINCT place, 'service:' || service AS name FROM places),
answering AS (
    SELECT trace_hi, trace_lo, span_id, parent_id, start, kind, status, http_status, http_method, rpc_system,
           rpc_service, resource_id, duration AS latency
    FROM spans
    WHERE start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE AND start < make_timestamp_ns($until)
      AND kind < 3 AND rpc_system IS NULL
    UNION ALL
    -- A stream lasts as long as somebody listens: it is a call, but its duration is no latency.
    SELECT trace_hi, trace_lo, span_id, parent_id, start, kind, status, http_status, http_method, rpc_system,
           rpc_service, resource_id,
           CASE WHEN contains(attributes, '"laban.rpc.streaming"') THEN NULL ELSE duration END
    FROM spans
    WHERE start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE AND start < make_timestamp_ns($until)
      AND kind < 3 AND rpc_system IS NOT NULL
),
-- Who may have been called; those from before the window only as callers of others.
callees AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, parent_id, start >= make_timestamp_ns($since) AS recent, kind, place,
           status = 2 OR coalesce(http_status, 0) >= 500 AS failed, latency,
           coalesce(rpc_system, CASE WHEN http_method IS NOT NULL THEN 'http' END, 'rpc') AS protocol, rpc_service
    FROM answering JOIN places USING (resource_id)
),
asking AS (
    SELECT trace_hi, trace_lo, span_id, start, status, http_status, http_method, rpc_system, rpc_service, resource_id,
           duration, duration AS latency, db_system, db_namespace, peer_service, peer_address, peer_port, name,
           messaging_system, messaging_destination
    FROM spans
    WHERE start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE AND start < make_timestamp_ns($until)
      AND kind = 3 AND rpc_system IS NULL
    UNION ALL
    SELECT trace_hi, trace_lo, span_id, start, status, http_status, http_method, rpc_system, rpc_service, resource_id,
           duration, CASE WHEN contains(attributes, '"laban.rpc.streaming"') THEN NULL ELSE duration END,
           db_system, db_namespace, peer_service, peer_address, peer_port, name,
           messaging_system, messaging_destination
    FROM spans
    WHERE start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE AND start < make_timestamp_ns($until)
      AND kind = 3 AND rpc_system IS NOT NULL
),
clients AS (
    SELECT trace_hi, trace_lo, span_id, start >= make_timestamp_ns($since) AS recent, place,
           status = 2 AND coalesce(http_status, 500) >= 500 AS failed, duration, latency,
           coalesce(db_system, rpc_system, CASE WHEN http_method IS NOT NULL THEN 'http' END, 'rpc') AS protocol,
           db_system, db_namespace, peer_service, peer_address, peer_port, rpc_service,
           CASE WHEN coalesce(db_system, peer_service, peer_address, rpc_service) IS NULL THEN name END AS name,
           messaging_system IS NULL AND messaging_destination IS NULL AS calls
    FROM asking JOIN places USING (resource_id)
),
-- Who looks for a client, and where: at the parent; or, of a span that two services share, at its other half.
looking AS (
    SELECT *, parent_id AS caller_id, false AS shares FROM callees WHERE recent
    UNION ALL
    SELECT *, span_id, true FROM callees WHERE kind = 2
),
-- Both sides of each call; of one that nobody answered the client alone, of one by no client the callee.
met AS MATERIALIZED (
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.parent_id, c.recent, c.kind, c.place AS target,
           c.failed OR coalesce(p.failed, false) AS failed, c.latency, c.protocol, c.rpc_service, c.shares,
           p.trace_hi AS client_hi, p.trace_lo AS client_lo, p.span_id AS client_id, p.recent AS client_recent,
           p.place AS source, p.failed AS client_failed, p.duration AS client_duration, p.latency AS client_latency,
           p.protocol AS client_protocol, p.db_system, p.db_namespace, p.peer_service, p.peer_address, p.peer_port,
           p.rpc_service AS client_rpc_service, p.name, p.calls
    FROM looking c
    FULL JOIN clients p ON p.trace_lo = c.trace_lo AND p.span_id = c.caller_id AND p.trace_hi = c.trace_hi
    WHERE CASE WHEN c.shares IS NULL THEN p.recent AND p.calls ELSE NOT c.shares OR p.span_id IS NOT NULL END
),
shared AS MATERIALIZED (SELECT trace_hi, trace_lo, span_id FROM met WHERE shares),
-- Of a shared span the client's half is the caller, not the parent that both halves name; what happens below a
-- shared span happens in the server's half.
under_client AS MATERIALIZED (
    SELECT *, kind = 2 OR source <> target AS is_call
    FROM (
        SELECT * FROM met WHERE shares AND recent
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
    SELECT p.trace_hi, p.trace_lo, p.span_id, p.kind, p.place
    FROM callees p
    SEMI JOIN orphans o ON o.trace_lo = p.trace_lo AND o.trace_hi = p.trace_hi AND o.parent_id = p.span_id
),
under_parent AS (
    SELECT o.*, p.place AS parent_place, p.kind AS parent_kind
    FROM orphans o
    LEFT JOIN parents p ON p.trace_lo = o.trace_lo AND p.trace_hi = o.trace_hi AND p.span_id = o.parent_id
),
-- Who answers where: an address or an RPC service that always led to one service.
addresses AS (
    SELECT peer_address, peer_port, min(target) AS place
    FROM under_client WHERE is_call AND peer_address IS NOT NULL AND peer_port IS NOT NULL
    GROUP BY ALL HAVING count(DISTINCT target) = 1
),
rpc_services AS (
    SELECT rpc_service, min(place) AS place
    FROM callees WHERE recent AND kind = 2 AND rpc_service IS NOT NULL
    GROUP BY ALL HAVING count(DISTINCT place) = 1
),
-- Clients whom nobody answered, and those below whom there is nothing but work of their own service.
answered AS (
    SELECT client_hi, client_lo, client_id, bool_or(is_call) AS by_call
    FROM (
        SELECT client_hi, client_lo, client_id, is_call
        FROM under_client
        SEMI JOIN (SELECT client_hi, client_lo, client_id FROM under_client WHERE NOT is_call) AS no_calls
            USING (client_hi, client_lo, client_id)
        UNION ALL
        SELECT client_hi, client_lo, client_id, false FROM met WHERE shares AND NOT recent
    )
    GROUP BY ALL
),
unanswered AS (
    SELECT * FROM met WHERE shares IS NULL
    UNION ALL
    SELECT m.*
    FROM met m
    SEMI JOIN (SELECT * FROM answered WHERE NOT by_call) a USING (client_hi, client_lo, client_id)
    WHERE m.client_recent AND m.calls
    QUALIFY row_number() OVER (PARTITION BY m.client_hi, m.client_lo, m.client_id) = 1
),
calls AS (
    SELECT s.name AS source, t.name AS target, c.protocol,
           CASE WHEN c.latency IS NOT NULL THEN c.client_duration END AS latency,
           c.failed, 1 AS by_parent, 0 AS by_attribute
    FROM under_client c JOIN names s ON s.place = c.source JOIN names t ON t.place = c.target
    WHERE c.is_call
    UNION ALL
    -- A span below another one of its own service is no call, unless a client made it.
    SELECT s.name, t.name, c.protocol, c.latency, c.failed, 1, 0
    FROM under_parent c JOIN names s ON s.place = c.parent_place JOIN names t ON t.place = c.target
    WHERE CASE c.kind WHEN 2 THEN c.parent_kind <> 2 OR c.parent_place <> c.target ELSE c.parent_place <> c.target END
    UNION ALL
    SELECT s.name,
           CASE WHEN u.db_system IS NOT NULL THEN 'database:' || u.db_system || coalesce('/' || u.db_namespace, '')
                ELSE coalesce(t.name,
                              'external:' || coalesce(u.peer_service,
                                                      u.peer_address || coalesce(':' || u.peer_port, ''),
                                                      u.client_rpc_service, u.name))
           END,
           u.client_protocol, u.client_latency, u.client_failed, 0, 1
    FROM unanswered u
    JOIN names s ON s.place = u.source
    LEFT JOIN addresses a USING (peer_address, peer_port)
    LEFT JOIN rpc_services r ON r.rpc_service = u.client_rpc_service
    LEFT JOIN names t ON t.place = coalesce(a.place, r.place)
    UNION ALL
    SELECT 'entry:clients', t.name, e.protocol, e.latency, e.failed, 0, 1
    FROM (
        SELECT kind, target, protocol, latency, failed FROM under_others WHERE parent_id = 0
        UNION ALL
        SELECT kind, target, protocol, latency, failed FROM under_parent WHERE parent_kind IS NULL
    ) AS e
    JOIN names t ON t.place = e.target
    WHERE e.kind = 2
)
SELECT source, target, protocol, count(*) AS calls, count_if(failed) AS errors,
       quantile_cont(latency, [0.5, 0.95, 0.99]) AS quantiles,
       sum(by_parent)::BIGINT AS by_parent, 0 AS by_link, sum(by_attribute)::BIGINT AS by_attribute
FROM calls
GROUP BY source, target, protocol
ORDER BY source, target, protocol
