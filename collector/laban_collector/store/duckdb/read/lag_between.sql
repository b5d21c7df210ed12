-- Polls in a window, by time; the newest ones where they are too many.
FROM (
    SELECT epoch_ns(time) AS polled, cluster, consumer_group, topic, partition, committed, log_end, log_start, messages, seconds, status
    FROM lag
    WHERE time >= make_timestamp_ns($since) AND time < make_timestamp_ns($until)
    ORDER BY time DESC
    LIMIT $limit
)
ORDER BY polled, consumer_group, topic, partition
