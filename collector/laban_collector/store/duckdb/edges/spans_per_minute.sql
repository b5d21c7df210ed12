-- The number of spans that began in each minute of a window.
SELECT epoch_ns(start) // 60_000_000_000 AS minute, count(*) AS spans
FROM spans
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
GROUP BY minute
ORDER BY minute
