-- The other spans of these traces nearby in time (nearer in crowded traces), and the late consumers; except for the
-- selected spans.
INSERT INTO edge_rows
WITH found AS (
    SELECT rowid AS row, start
    FROM spans
    SEMI JOIN edge_traces USING (trace_lo)
    WHERE start >= make_timestamp_ns($from) AND start < make_timestamp_ns($to) AND arrival < $before::UBIGINT
      AND (start >= make_timestamp_ns($near_from) AND start < make_timestamp_ns($near_to)
           OR NOT list_contains($crowded::UBIGINT[], trace_lo))
    UNION
    SELECT rowid, start FROM spans SEMI JOIN edge_consumers USING (arrival, trace_lo, trace_hi, span_id)
)
SELECT row
FROM found
WHERE NOT (start >= make_timestamp_ns($window_from) AND start < make_timestamp_ns($window_to))
