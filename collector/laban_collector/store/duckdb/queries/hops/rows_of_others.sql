-- What else is in the traces of these spans around their time; and who took up, before, in whatever trace, a message
-- whose producer has come only now. Neither commits nor a window that are asked for.
INSERT INTO hop_rows
WITH consumers AS MATERIALIZED (
    SELECT u.arrival, u.trace_hi, u.trace_lo, u.span_id
    FROM unmet_links u
    SEMI JOIN (SELECT trace_hi AS from_hi, trace_lo AS from_lo, span_id AS from_span FROM hop_scope WHERE kind = 4)
        AS sent USING (from_lo, from_hi, from_span)
),
traces AS (SELECT trace_hi, trace_lo FROM hop_scope UNION SELECT trace_hi, trace_lo FROM consumers),
found AS (
    SELECT rowid AS row, start
    FROM spans
    SEMI JOIN traces USING (trace_lo, trace_hi)
    WHERE start >= make_timestamp_ns($from) AND start < make_timestamp_ns($to) AND arrival < $before::UBIGINT
    UNION
    SELECT rowid, start FROM spans SEMI JOIN consumers USING (arrival, trace_lo, trace_hi, span_id)
)
SELECT row
FROM found
WHERE NOT (start >= make_timestamp_ns($window_from) AND start < make_timestamp_ns($window_to))
