-- By how many messages the log of each topic has grown, and a group has advanced, in the polls of a window. Committed
-- offsets jump, so they are measured from one commit to another.
WITH polls AS (
    SELECT lag.time, cluster, consumer_group, topic, partition, log_end, greatest(committed, log_start) AS position
    FROM lag
    WHERE lag.time >= make_timestamp_ns($since) AND lag.time < make_timestamp_ns($until)
),
moves AS (
    SELECT *, position > lag(position) OVER (
               PARTITION BY cluster, consumer_group, topic, partition ORDER BY time
           ) AS moved
    FROM polls
),
measured AS (
    SELECT cluster, consumer_group, topic,
           arg_max(log_end, time) - arg_min(log_end, time) AS published,
           epoch_ns(max(time)) - epoch_ns(min(time)) AS time_published,
           count_if(moved) AS commits,
           arg_max(position, time) - arg_min(position, time) AS advanced,
           max(position) FILTER (moved) - min(position) FILTER (moved) AS between_commits,
           epoch_ns(max(time) FILTER (moved)) - epoch_ns(min(time) FILTER (moved)) AS time_between
    FROM moves
    GROUP BY cluster, consumer_group, topic, partition
    HAVING max(time) > min(time)
)
SELECT cluster, consumer_group AS "group", topic,
       sum(greatest(published, 0) / time_published) * 1e9 AS published_per_s,
       sum(
           CASE WHEN commits >= 3 THEN between_commits / time_between
                ELSE greatest(advanced, 0) / time_published END
       ) * 1e9 AS consumed_per_s
FROM measured
GROUP BY ALL
ORDER BY ALL
LIMIT $limit
