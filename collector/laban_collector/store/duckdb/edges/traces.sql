-- The traces of all these.
INSERT INTO hop_traces
SELECT trace_hi, trace_lo FROM hop_scope
UNION
SELECT trace_hi, trace_lo FROM hop_consumers
