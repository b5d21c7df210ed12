-- The traces of all these.
INSERT INTO edge_traces
SELECT trace_hi, trace_lo FROM edge_scope
UNION
SELECT trace_hi, trace_lo FROM edge_consumers
