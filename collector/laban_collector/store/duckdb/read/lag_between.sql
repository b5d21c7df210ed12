-- Polls in a window, by time; the newest ones if there are too many. Columns have the names of the fields of `Lag`.
FROM (
    SELECT epoch_ns(lag.time) AS time, cluster, consumer_group AS "group", topic, partition, committed,
           log_end AS "end", log_start AS start, messages, seconds, status, lost, seconds_from, members
    FROM lag
    WHERE lag.time >= make_timestamp_ns($since) AND lag.time < make_timestamp_ns($until)
    ORDER BY lag.time DESC
    LIMIT $limit
)
ORDER BY time, "group", topic, partition
