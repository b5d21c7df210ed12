-- Pairs of a span and the span directly above it, by key only: calls, publishing and consuming below each other,
-- consumers below other spans, and other spans below publishing. Callees below their client, and consumers below the
-- producer, are far more, and are joined elsewhere.
INSERT INTO edge_pairs
SELECT c.rowid, p.rowid
FROM edge_traced c
JOIN edge_traced p ON p.trace_lo = c.trace_lo AND p.span_id = c.parent_id AND p.trace_hi = c.trace_hi
WHERE c.role >= 2 AND p.role >= 2 AND c.rowid <> p.rowid
  AND CASE c.role WHEN 4 THEN p.role <> 3 ELSE p.role <> 4 OR p.messaging_operation = 'receive' END
UNION ALL
SELECT c.rowid, p.rowid
FROM edge_traced c
JOIN edge_traced p ON p.trace_lo = c.trace_lo AND p.span_id = c.parent_id AND p.trace_hi = c.trace_hi
WHERE c.role = 4 AND p.role < 2
UNION ALL
SELECT c.rowid, p.rowid
FROM edge_traced c
JOIN edge_traced p ON p.trace_lo = c.trace_lo AND p.span_id = c.parent_id AND p.trace_hi = c.trace_hi
WHERE c.role < 2 AND p.role = 3
