-- The newest poll of each group and partition since a time. Columns, and the fields of `rest`, have the names of the
-- fields of `Lag`.
SELECT epoch_ns(max(lag.time)) AS time, cluster, consumer_group AS "group", topic, partition,
       max_by({
           committed: committed, "end": log_end, start: log_start, messages: messages, seconds: seconds,
           status: status, lost: lost, seconds_from: seconds_from, members: members
       }, lag.time) AS rest
FROM lag
WHERE lag.time >= make_timestamp_ns($since) AND lag.time < make_timestamp_ns($until)
GROUP BY cluster, consumer_group, topic, partition
