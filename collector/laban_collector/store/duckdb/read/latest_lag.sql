-- The newest poll of each group and partition, of those since a time.
SELECT epoch_ns(max(time)), cluster, consumer_group, topic, partition,
       max_by({
           committed: committed, log_end: log_end, log_start: log_start, messages: messages, seconds: seconds,
           status: status
       }, time)
FROM lag
WHERE time >= make_timestamp_ns($since) AND time < make_timestamp_ns($until)
GROUP BY cluster, consumer_group, topic, partition
