-- Synchronous calls of a window: caller → callee, by protocol.
-- A call is a server span under a caller's span; or a client span under which no callee ever reported;
-- or a server span that nobody called who reports.
WITH recent AS (
    -- A stream lasts as long as somebody listens: it is a call, but its duration is no latency.
    SELECT s.* EXCLUDE (attributes) REPLACE (
               CASE WHEN s.rpc_system IS NOT NULL AND contains(s.attributes, '"laban.rpc.streaming"') THEN NULL ELSE s.duration END AS duration
           ), r.service
    FROM spans s JOIN resources r USING (resource_id)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
),
-- A caller may have begun before the window.
callers AS (
    SELECT s.trace_hi, s.trace_lo, s.span_id, s.kind, s.status, s.duration, s.http_status,
           s.peer_address, s.peer_port, r.service
    FROM spans s JOIN resources r USING (resource_id)
    WHERE s.start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE AND s.start < make_timestamp_ns($until)
      AND s.kind NOT IN (4, 5)
),
clients AS (SELECT * FROM callers WHERE kind = 3),
-- Who may have been called, with each span that may be the caller: the parent, or of a shared span the client's
-- half. One equality to join by, for a join with OR in it compares all spans of a trace with each other.
called AS (
    SELECT *, parent_id AS caller_id FROM recent WHERE kind IN (0, 1, 2)
    UNION ALL
    SELECT c.*, c.span_id FROM recent c
    SEMI JOIN clients h ON h.trace_lo = c.trace_lo AND h.trace_hi = c.trace_hi AND h.span_id = c.span_id
    WHERE c.kind = 2
),
-- Clients whose callee reports: looked up over the same stretch as callers, for a callee may answer late.
chosen AS (
    SELECT p.service AS source, c.service AS target, c.kind, p.kind AS caller_kind,
           coalesce(c.rpc_system, CASE WHEN c.http_method IS NOT NULL THEN 'http' END, 'rpc') AS protocol,
           CASE WHEN p.kind = 3 AND c.duration IS NOT NULL THEN p.duration ELSE c.duration END AS duration,
           c.status = 2 OR coalesce(c.http_status, 0) >= 500
               OR (p.kind = 3 AND p.status = 2 AND coalesce(p.http_status, 500) >= 500) AS failed,
           p.trace_hi, p.trace_lo, p.span_id, p.peer_address, p.peer_port, c.rpc_service
    FROM called c
    JOIN callers p ON p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi AND p.span_id = c.caller_id
    WHERE p.span_id <> c.span_id OR p.kind = 3
    -- Of a shared span the client's half is the caller, not the parent that both halves name; what happens
    -- below a shared span happens in the server's half.
    QUALIFY row_number() OVER (
        PARTITION BY c.trace_hi, c.trace_lo, c.span_id, c.kind
        ORDER BY p.span_id = c.span_id DESC, p.kind = 2 DESC, p.kind DESC
    ) = 1
),
-- A span below another one of its own service is no call, unless a client made it.
pairs AS (
    SELECT * FROM chosen
    WHERE CASE kind WHEN 2 THEN caller_kind <> 2 OR source <> target ELSE source <> target END
),
-- Who answers where: an address or an RPC service that always led to one service.
addresses AS (
    SELECT peer_address, peer_port, min(target) AS service
    FROM pairs WHERE caller_kind = 3 AND peer_address IS NOT NULL AND peer_port IS NOT NULL
    GROUP BY ALL HAVING count(DISTINCT target) = 1
),
rpc_services AS (
    SELECT rpc_service, min(service) AS service
    FROM recent WHERE kind = 2 AND rpc_service IS NOT NULL
    GROUP BY ALL HAVING count(DISTINCT service) = 1
),
unanswered AS (
    SELECT k.service AS source, k.*
    FROM recent k
    ANTI JOIN pairs p ON p.trace_lo = k.trace_lo AND p.trace_hi = k.trace_hi AND p.span_id = k.span_id
    WHERE k.kind = 3 AND k.messaging_system IS NULL AND k.messaging_destination IS NULL
),
alone AS (
    SELECT 'service:' || u.source AS source,
           CASE WHEN u.db_system IS NOT NULL
                THEN 'database:' || u.db_system || coalesce('/' || u.db_namespace, '')
                WHEN coalesce(a.service, r.service) IS NOT NULL
                THEN 'service:' || coalesce(a.service, r.service)
                ELSE 'external:' || coalesce(u.peer_service,
                                             u.peer_address || coalesce(':' || u.peer_port, ''),
                                             u.rpc_service, u.name)
           END AS target,
           coalesce(u.db_system, u.rpc_system, CASE WHEN u.http_method IS NOT NULL THEN 'http' END, 'rpc')
               AS protocol,
           u.duration,
           u.status = 2 AND coalesce(u.http_status, 500) >= 500 AS failed
    FROM unanswered u
    LEFT JOIN addresses a USING (peer_address, peer_port)
    LEFT JOIN rpc_services r USING (rpc_service)
),
entries AS (
    SELECT 'entry:clients' AS source, 'service:' || e.service AS target,
           coalesce(e.rpc_system, CASE WHEN e.http_method IS NOT NULL THEN 'http' END, 'rpc') AS protocol,
           e.duration, e.status = 2 OR coalesce(e.http_status, 0) >= 500 AS failed
    FROM recent e
    ANTI JOIN callers p ON p.trace_lo = e.trace_lo AND p.trace_hi = e.trace_hi AND p.span_id = e.parent_id
    ANTI JOIN clients h ON h.trace_lo = e.trace_lo AND h.trace_hi = e.trace_hi AND h.span_id = e.span_id
    WHERE e.kind = 2
),
calls AS (
    SELECT 'service:' || source AS source, 'service:' || target AS target, protocol, duration, failed,
           1 AS by_parent, 0 AS by_attribute
    FROM pairs
    UNION ALL SELECT *, 0, 1 FROM alone
    UNION ALL SELECT *, 0, 1 FROM entries
)
SELECT source, target, protocol, count(*) AS calls, count_if(failed) AS errors,
       quantile_cont(duration, [0.5, 0.95, 0.99]) AS quantiles,
       sum(by_parent)::BIGINT AS by_parent, 0 AS by_link, sum(by_attribute)::BIGINT AS by_attribute
FROM calls
GROUP BY source, target, protocol
ORDER BY source, target, protocol
