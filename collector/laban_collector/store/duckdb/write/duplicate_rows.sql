-- The rows of suspects that are stored, or repeated in the batch. An exact duplicate has the same start, so only stored
-- spans in the batch's range of starts are compared.
-- MATERIALIZED, because a join filter that reaches an Arrow scan fails on ids above 2^63 (signed in pyarrow).
WITH new AS MATERIALIZED (FROM batch_ids)
SELECT "row"
FROM (
    SELECT
        "row",
        row_number() OVER (PARTITION BY trace_hi, trace_lo, span_id, kind ORDER BY "row") AS nth
    FROM new
)
WHERE nth > 1
UNION
SELECT new."row"
FROM new
JOIN spans AS old USING (trace_hi, trace_lo, span_id, kind)
WHERE old.start BETWEEN make_timestamp_ns($first) AND make_timestamp_ns($last)
