-- Waiting links whose producers are among the selected spans.
SELECT u.*
FROM unmet_links u
SEMI JOIN (SELECT from_hi, from_lo, from_span FROM edge_producers WHERE NOT old) AS sent
    USING (from_lo, from_hi, from_span)
