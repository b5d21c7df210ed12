-- Links of the consumers among these spans. Links arrive with their span, which limits the search.
INSERT INTO edge_links BY NAME
WITH found AS (
    SELECT l.*, c.parent_id
    FROM span_links l
    JOIN (SELECT * FROM edge_scope WHERE NOT old AND role = 4) AS c USING (arrival, trace_lo, trace_hi, span_id)
    WHERE l.arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
    UNION ALL
    SELECT l.*, c.parent_id
    FROM span_links l
    JOIN (SELECT * FROM edge_others WHERE role = 4) AS c USING (arrival, trace_lo, trace_hi, span_id)
)
SELECT DISTINCT arrival, trace_hi, trace_lo, span_id,
       linked_trace_hi AS from_hi, linked_trace_lo AS from_lo, linked_span_id AS from_span
FROM found
WHERE NOT (linked_span_id = parent_id AND linked_trace_lo = trace_lo AND linked_trace_hi = trace_hi)
