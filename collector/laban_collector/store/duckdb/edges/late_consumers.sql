-- Consumers, in any trace, that arrived before the producer of their message.
INSERT INTO edge_consumers
SELECT u.arrival, u.trace_hi, u.trace_lo, u.span_id
FROM unmet_links u
SEMI JOIN (SELECT trace_hi AS from_hi, trace_lo AS from_lo, span_id AS from_span FROM edge_scope WHERE role = 3)
    AS sent USING (from_lo, from_hi, from_span)
