-- How far a group had come in a topic, at the last poll of each minute; partitions are added up.
WITH polls AS (
    SELECT epoch_ns(lag.time) // 60_000_000_000 AS minute, cluster, partition, arg_max(log_end, lag.time) AS log_end,
           arg_max(coalesce(messages, log_end - log_start), lag.time) AS waiting
    FROM lag
    WHERE lag.time >= make_timestamp_ns($since) AND lag.time < make_timestamp_ns($until)
      AND consumer_group = $group AND topic = $topic
    GROUP BY ALL
)
SELECT minute * 60_000_000_000 AS minute, sum(log_end)::BIGINT AS "end", sum(waiting)::BIGINT AS waiting
FROM polls
GROUP BY minute
ORDER BY minute
