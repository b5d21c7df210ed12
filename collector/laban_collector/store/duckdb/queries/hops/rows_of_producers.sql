-- Who sent what is linked to from other traces.
INSERT INTO hop_rows
WITH missing AS MATERIALIZED (
    SELECT DISTINCT from_hi AS trace_hi, from_lo AS trace_lo, from_span AS span_id
    FROM hop_links
    ANTI JOIN hop_scope s ON s.span_id = from_span AND s.trace_lo = from_lo AND s.trace_hi = from_hi
)
SELECT rowid
FROM spans
SEMI JOIN missing USING (span_id, trace_lo, trace_hi)
WHERE kind = 4 AND arrival < $first AND start >= make_timestamp_ns($from) AND start < make_timestamp_ns($to)
