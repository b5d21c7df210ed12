-- The traces of the selected spans and the late consumers, by the half of their ids that both forms have.
INSERT INTO edge_traces
SELECT trace_lo FROM edge_scope
UNION
SELECT trace_lo FROM edge_consumers
