-- Links of the selected spans to producers that have not arrived.
SELECT l.*
FROM edge_links l
SEMI JOIN (SELECT arrival, trace_hi, trace_lo, span_id FROM edge_scope WHERE NOT old) AS asked
    USING (arrival, trace_lo, trace_hi, span_id)
ANTI JOIN edge_producers USING (from_lo, from_hi, from_span)
