-- Those who took up, before, a message whose producer has come only now.
INSERT INTO hop_rows
WITH links AS MATERIALIZED (
    SELECT l.arrival, l.trace_hi, l.trace_lo, l.span_id
    FROM span_links l
    SEMI JOIN (SELECT trace_hi, trace_lo, span_id FROM hop_scope WHERE kind = 4) AS sent
      ON sent.span_id = l.linked_span_id AND sent.trace_lo = l.linked_trace_lo AND sent.trace_hi = l.linked_trace_hi
    WHERE l.arrival < $first
)
SELECT s.rowid FROM spans s SEMI JOIN links USING (arrival, trace_lo, trace_hi, span_id)
