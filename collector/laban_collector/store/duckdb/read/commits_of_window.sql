-- The commits that hold the spans of a window, and those of ten more minutes, in which later spans of their traces came.
WITH inside AS (
    SELECT min(arrival) AS first, max(arrival) AS last FROM spans
    WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
)
SELECT coalesce(first, 0)::UBIGINT AS first, coalesce(max(arrival), last, 0)::UBIGINT AS last
FROM inside
LEFT JOIN ledger
  ON arrival >= last AND time <= (SELECT max(time) + INTERVAL 10 MINUTE FROM ledger, inside WHERE arrival <= last)
GROUP BY first, last
