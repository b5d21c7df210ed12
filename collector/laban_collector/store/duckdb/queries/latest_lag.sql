-- The newest poll of each group and partition.
SELECT epoch_ns(time), cluster, consumer_group, topic, partition, committed, log_end, log_start, messages, seconds, status
FROM lag
WHERE time < make_timestamp_ns($until)
QUALIFY row_number() OVER (PARTITION BY cluster, consumer_group, topic, partition ORDER BY time DESC) = 1
ORDER BY consumer_group, topic, partition, cluster
LIMIT $limit
