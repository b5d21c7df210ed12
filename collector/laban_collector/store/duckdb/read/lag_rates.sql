-- By how many messages the log of each topic has grown, and a group has advanced, in the polls of a window.
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
           arg_max(position, time) - arg_min(position, time) AS advanced,
           epoch_ns(max(time)) - epoch_ns(min(time)) AS duration,
           count_if(moved) AS commits,
           max(log_end) FILTER (moved) - min(log_end) FILTER (moved) AS published_between,
           max(position) FILTER (moved) - min(position) FILTER (moved) AS advanced_between,
           epoch_ns(max(time) FILTER (moved)) - epoch_ns(min(time) FILTER (moved)) AS duration_between,
           epoch_ns(max(time)) - epoch_ns(max(time) FILTER (moved)) AS since_commit
    FROM moves
    GROUP BY cluster, consumer_group, topic, partition
    HAVING max(time) > min(time)
),
-- Both rates are of the same polls, so that their difference is how the lag has changed: from commit to commit, or of
-- all polls if the last commit is so long ago that the group may have stopped.
judged AS (
    SELECT *, commits >= 3 AND since_commit <= 2 * duration_between / (commits - 1) AS commits_steadily FROM measured
)
SELECT cluster, consumer_group AS "group", topic,
       sum(
           CASE WHEN commits_steadily THEN greatest(published_between, 0) / duration_between
                ELSE greatest(published, 0) / duration END
       ) * 1e9 AS published_per_s,
       sum(
           CASE WHEN commits_steadily THEN advanced_between / duration_between
                ELSE greatest(advanced, 0) / duration END
       ) * 1e9 AS consumed_per_s
FROM judged
GROUP BY ALL
ORDER BY ALL
LIMIT $limit
