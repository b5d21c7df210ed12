-- Linked producers in some commits, for links whose producer is not found yet.
INSERT INTO edge_producers BY NAME
WITH missing AS MATERIALIZED (
    SELECT DISTINCT from_hi, from_lo, from_span
    FROM edge_links ANTI JOIN edge_producers USING (from_lo, from_hi, from_span)
)
SELECT s.trace_hi AS from_hi, s.trace_lo AS from_lo, s.span_id AS from_span, s.start AS sent,
       s.messaging_destination AS published, s.messaging_system AS system, r.service AS sender,
       left(s.message_type, 200) AS event_type, left(s.message_version, 200) AS version, true AS old
FROM spans s
SEMI JOIN missing ON from_span = s.span_id AND from_lo = s.trace_lo AND from_hi = s.trace_hi
JOIN edge_services r USING (resource_id)
WHERE (s.kind = 4 OR (s.kind <> 2 AND s.messaging_operation IN ('send', 'create'))) AND s.arrival < $before::UBIGINT
  AND s.arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
  AND s.start >= make_timestamp_ns($from) AND s.start < make_timestamp_ns($to)
