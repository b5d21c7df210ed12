-- How the groups of some topics advance, by partition: the poll that showed the newest commit, and the messages consumed
-- per second in the newest polls. Committed offsets jump, so they are measured from one commit to another.
WITH polls AS (
    SELECT lag.time, cluster, consumer_group, topic, partition, committed, greatest(committed, log_start) AS position
    FROM lag
    WHERE lag.time >= make_timestamp_ns($since) AND lag.time < make_timestamp_ns($until)
      AND topic IN (SELECT unnest($topics))
),
moves AS (
    SELECT *, polls.time >= make_timestamp_ns($recent) AS recent,
           committed <> lag(committed) OVER (
               PARTITION BY cluster, consumer_group, topic, partition ORDER BY polls.time
           ) AS moved
    FROM polls
),
measured AS (
    SELECT cluster, consumer_group, topic, partition,
           epoch_ns(min(time)) AS first, epoch_ns(max(time) FILTER (moved)) AS committed,
           count_if(moved AND recent) AS commits,
           max(position) FILTER (moved AND recent) - min(position) FILTER (moved AND recent) AS between_commits,
           epoch_ns(max(time) FILTER (moved AND recent)) - epoch_ns(min(time) FILTER (moved AND recent)) AS time_between,
           max(position) FILTER (recent) - min(position) FILTER (recent) AS advanced,
           epoch_ns(max(time) FILTER (recent)) - epoch_ns(min(time) FILTER (recent)) AS polled
    FROM moves
    GROUP BY cluster, consumer_group, topic, partition
)
SELECT cluster, consumer_group AS "group", topic, partition, first, committed,
       CASE WHEN commits >= 3 THEN between_commits / time_between * 1e9
            WHEN polled > 0 THEN greatest(advanced, 0) / polled * 1e9 END AS consumed_per_s
FROM measured
ORDER BY ALL
LIMIT $limit
