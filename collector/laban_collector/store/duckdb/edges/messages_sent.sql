-- Published messages: service → topic. A batch counts its messages.
INSERT INTO edge_counts BY NAME
WITH sent AS (
    SELECT start, 'service:' || service AS source, 'topic:' || messaging_destination AS target,
           coalesce(messaging_system, 'messaging') AS protocol,
           greatest(coalesce(messaging_batch_count, 1), 1) AS messages, duration, status = 2 AS failed
    FROM edge_scope
    WHERE NOT old AND kind = 4 AND messaging_destination IS NOT NULL
      AND coalesce(messaging_operation, 'send') <> 'create'
)
SELECT epoch_ns(start) // 60_000_000_000 AS minute, source, target, protocol, 'attribute' AS evidence,
       floor(ln(greatest(duration, 1)) * 32)::SMALLINT AS bucket,
       sum(messages)::BIGINT AS calls, count_if(failed) AS errors, count(*) AS timed, sum(duration)::BIGINT AS elapsed
FROM sent
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
GROUP BY ALL
