-- Polls in a window, by time.
SELECT epoch_ns(time), cluster, consumer_group, topic, partition, committed, log_end, log_start, messages, seconds, status
FROM lag
WHERE time >= make_timestamp_ns($since) AND time < make_timestamp_ns($until)
ORDER BY time, consumer_group, topic, partition
