-- Messages published in a window: service → topic. A batch counts its messages.
SELECT 'service:' || r.service AS source, 'topic:' || s.messaging_destination AS target,
       coalesce(s.messaging_system, 'messaging') AS protocol,
       sum(greatest(coalesce(s.messaging_batch_count, 1), 1))::BIGINT AS calls,
       count_if(s.status = 2) AS errors,
       quantile_cont(s.duration, [0.5, 0.95, 0.99]) AS quantiles,
       0 AS by_parent, 0 AS by_link, count(*) AS by_attribute
FROM spans s JOIN resources r USING (resource_id)
WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
  AND s.kind = 4 AND s.messaging_destination IS NOT NULL
  AND coalesce(s.messaging_operation, 'send') <> 'create'
GROUP BY ALL
ORDER BY source, target, protocol
