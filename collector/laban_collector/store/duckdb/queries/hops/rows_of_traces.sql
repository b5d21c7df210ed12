-- What else is in the traces of these spans around their time.
INSERT INTO hop_rows
SELECT rowid
FROM spans
ANTI JOIN hop_scope ON hop_scope.row = spans.rowid
SEMI JOIN (SELECT DISTINCT trace_hi, trace_lo FROM hop_scope) AS traces USING (trace_lo, trace_hi)
WHERE start >= make_timestamp_ns($from) AND start < make_timestamp_ns($to) AND arrival < $first
