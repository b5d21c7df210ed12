-- The producers of the messages that these spans consume: among these spans, and by link in other traces nearby in
-- time.
INSERT INTO edge_producers BY NAME
WITH own AS MATERIALIZED (
    SELECT trace_hi AS from_hi, trace_lo AS from_lo, span_id AS from_span, start AS sent,
           messaging_destination AS published, messaging_system AS system, service AS sender, event_type, version, old
    FROM edge_scope WHERE role = 3
),
missing AS MATERIALIZED (
    SELECT DISTINCT from_hi, from_lo, from_span FROM edge_links ANTI JOIN own USING (from_lo, from_hi, from_span)
)
FROM own
UNION ALL
SELECT s.trace_hi, s.trace_lo, s.span_id, s.start, s.messaging_destination, s.messaging_system, r.service,
       left(s.message_type, 200), left(s.message_version, 200), true
FROM spans s
SEMI JOIN missing ON from_span = s.span_id AND from_lo = s.trace_lo AND from_hi = s.trace_hi
JOIN edge_services r USING (resource_id)
WHERE (s.kind = 4 OR (s.kind <> 2 AND s.messaging_operation IN ('send', 'create'))) AND s.arrival < $before::UBIGINT
  AND s.start >= make_timestamp_ns($from) AND s.start < make_timestamp_ns($to)
