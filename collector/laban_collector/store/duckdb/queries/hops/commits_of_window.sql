-- The first and the last commit that brought a span of a window.
SELECT min(arrival), max(arrival) FROM spans
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
