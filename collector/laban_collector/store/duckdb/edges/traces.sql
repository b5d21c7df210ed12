-- The traces of the selected spans and the late consumers.
INSERT INTO edge_traces
SELECT trace_hi, trace_lo FROM edge_scope
UNION
SELECT trace_hi, trace_lo FROM edge_consumers
