-- The newest call or message of each edge and histogram bound, among the spans of the newest commits.
WITH recent AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, parent_id, kind, epoch_ns(start) AS start, duration, arrival, db_system,
           db_namespace, coalesce(namespace || '/', '') || service AS service
    FROM spans JOIN resources USING (resource_id)
    WHERE arrival >= $first::UBIGINT AND kind >= 2
),
published AS MATERIALIZED (
    SELECT p.trace_hi, p.trace_lo, p.span_id, p.service, p.start FROM recent p WHERE kind = 4
),
consumed AS (
    SELECT c.*, p.service AS sender, p.start AS sent
    FROM recent c JOIN published p ON p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi AND p.span_id = c.parent_id
    WHERE c.kind = 5
    UNION ALL
    SELECT c.*, p.service, p.start
    FROM recent c
    JOIN span_links l ON l.trace_lo = c.trace_lo AND l.span_id = c.span_id AND l.arrival = c.arrival
    JOIN published p ON p.trace_lo = l.linked_trace_lo AND p.trace_hi = l.linked_trace_hi AND p.span_id = l.linked_span_id
    WHERE c.kind = 5 AND l.arrival >= $first::UBIGINT
),
answered AS (
    SELECT s.trace_hi, s.trace_lo, s.start, s.duration, s.service, c.service AS caller, c.duration AS waited
    FROM recent s JOIN recent c ON c.trace_lo = s.trace_lo AND c.trace_hi = s.trace_hi AND c.span_id = s.parent_id
    WHERE s.kind = 2 AND c.kind = 3
),
measured AS (
    SELECT caller AS client, service AS server, '' AS connection, 'served' AS times, trace_hi, trace_lo, start,
           duration AS elapsed
    FROM answered
    UNION ALL
    SELECT caller, service, '', 'called', trace_hi, trace_lo, start, waited FROM answered
    UNION ALL
    SELECT 'user', service, 'virtual_node', 'served', trace_hi, trace_lo, start, duration
    FROM recent WHERE kind = 2 AND parent_id = 0
    UNION ALL
    SELECT service, db_system || coalesce('/' || db_namespace, ''), 'database', unnest(['served', 'called']), trace_hi,
           trace_lo, start, duration
    FROM recent WHERE kind = 3 AND db_system IS NOT NULL
    UNION ALL
    SELECT sender, service, 'messaging_system', 'served', trace_hi, trace_lo, start, duration FROM consumed
    UNION ALL
    SELECT sender, service, 'messaging_system', 'queued', trace_hi, trace_lo, start, start - sent
    FROM consumed WHERE start >= sent
)
SELECT client, server, connection, times, len(list_filter($bounds::BIGINT[], lambda one: one < elapsed)) AS bound,
       arg_max(trace_hi, start) AS trace_hi, arg_max(trace_lo, start) AS trace_lo, max(start) AS start,
       arg_max(elapsed, start) AS elapsed
FROM measured
GROUP BY client, server, connection, times, bound
ORDER BY start DESC
LIMIT $limit
