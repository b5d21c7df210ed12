-- Pairs of a span and the span directly above it, by key only: calls, publishing and consuming below each other,
-- consumers below other spans, and other spans below publishing. Callees below their client, and consumers below the
-- producer, are far more, and are joined elsewhere.
INSERT INTO edge_pairs
SELECT c.row, p.row
FROM edge_keys c
JOIN edge_keys p ON p.trace_lo = c.trace_lo AND p.span_id = c.parent_id AND p.trace_hi = c.trace_hi
WHERE c.role >= 2 AND p.role >= 2 AND c.row <> p.row
  AND CASE c.role WHEN 4 THEN p.role <> 3 ELSE p.role <> 4 OR p.receives END
UNION ALL
SELECT c.row, p.row
FROM edge_keys c
JOIN edge_keys p ON p.trace_lo = c.trace_lo AND p.span_id = c.parent_id AND p.trace_hi = c.trace_hi
WHERE c.role = 4 AND p.role < 2
UNION ALL
SELECT c.row, p.row
FROM edge_keys c
JOIN edge_keys p ON p.trace_lo = c.trace_lo AND p.span_id = c.parent_id AND p.trace_hi = c.trace_hi
WHERE c.role < 2 AND p.role = 3
