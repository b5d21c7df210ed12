-- Traces whose ids some spans have in 64 and others in 128 bits: the one high half that goes with a low half.
INSERT INTO edge_forms BY NAME
SELECT min(trace_hi) AS trace_hi, trace_lo, 0 AS short
FROM edge_pass
WHERE trace_hi <> 0
  AND trace_lo IN (SELECT trace_lo FROM edge_pass WHERE trace_hi = 0)
GROUP BY trace_lo
HAVING min(trace_hi) = max(trace_hi)
