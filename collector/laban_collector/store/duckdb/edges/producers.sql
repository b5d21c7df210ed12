-- The producers of the messages that these spans consume: among these spans, and by link in other traces nearby in
-- time.
INSERT INTO edge_producers BY NAME
WITH own AS MATERIALIZED (
    SELECT trace_hi AS from_hi, trace_lo AS from_lo, span_id AS from_span, start AS sent,
           messaging_destination AS published, old
    FROM edge_scope WHERE kind = 4
),
missing AS MATERIALIZED (
    SELECT DISTINCT from_hi, from_lo, from_span FROM edge_links ANTI JOIN own USING (from_lo, from_hi, from_span)
)
FROM own
UNION ALL
SELECT s.trace_hi, s.trace_lo, s.span_id, s.start, s.messaging_destination, true
FROM spans s
SEMI JOIN missing ON from_span = s.span_id AND from_lo = s.trace_lo AND from_hi = s.trace_hi
WHERE s.kind = 4 AND s.arrival < $before::UBIGINT
  AND s.start >= make_timestamp_ns($from) AND s.start < make_timestamp_ns($to)
