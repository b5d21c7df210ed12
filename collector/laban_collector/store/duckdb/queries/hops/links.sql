-- What the consumers among these spans link to; most link to their parent, too, which is looked up already.
-- Links came with their span, which bounds the search.
INSERT INTO hop_links BY NAME
SELECT l.arrival, l.trace_hi, l.trace_lo, l.span_id,
       l.linked_trace_hi AS from_hi, l.linked_trace_lo AS from_lo, l.linked_span_id AS from_span
FROM span_links l
JOIN (
    SELECT arrival, trace_hi, trace_lo, span_id, parent_id FROM hop_scope
    WHERE messaging_destination IS NOT NULL AND kind <> 4
) AS c USING (arrival, trace_lo, trace_hi, span_id)
WHERE NOT (l.linked_span_id = c.parent_id AND l.linked_trace_lo = c.trace_lo AND l.linked_trace_hi = c.trace_hi)
