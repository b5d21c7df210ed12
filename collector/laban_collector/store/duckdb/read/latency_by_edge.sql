-- Percentiles of each edge over time: the duration of calls, and the time that messages waited in a topic.
WITH recent AS (
    -- A stream is a call, but it lasts as long as its client listens: its duration is not a latency.
    SELECT s.trace_hi, s.trace_lo, s.span_id, s.parent_id, s.kind, s.status, s.http_status, s.start,
           CASE WHEN s.rpc_system IS NOT NULL AND contains(s.attributes, $streaming) THEN NULL
                ELSE s.duration END AS duration,
           s.messaging_destination AS topic, s.messaging_group AS consumer_group,
           coalesce(s.messaging_operation, 'process') = 'process' AS processing,
           coalesce(r.namespace || '/', '') || r.service AS service
    FROM spans s JOIN resources r USING (resource_id)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
),
calls AS (
    SELECT c.start, p.service || ' → ' || c.service AS name,
           CASE WHEN p.kind = 3 AND c.duration IS NOT NULL THEN p.duration ELSE c.duration END AS elapsed,
           c.status = 2 OR coalesce(c.http_status, 0) >= 500
               OR (p.kind = 3 AND p.status = 2 AND coalesce(p.http_status, 500) >= 500) AS failed
    FROM recent c
    JOIN recent p ON p.span_id = c.parent_id AND p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi
    WHERE c.kind = 2 AND p.kind NOT IN (4, 5) AND NOT (p.kind = 2 AND c.service = p.service)
),
waits AS (
    SELECT c.start, c.topic || ' → ' || coalesce(c.consumer_group, c.service) AS name,
           -- A message that was consumed before it was sent shows that clocks differ: its wait is unknown.
           CASE WHEN c.start >= p.start THEN epoch_ns(c.start) - epoch_ns(p.start) END AS elapsed,
           c.status = 2 AS failed
    FROM recent c
    JOIN recent p ON p.span_id = c.parent_id AND p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi
    WHERE c.kind = 5 AND c.processing AND p.kind = 4 AND c.topic IS NOT NULL
)
SELECT epoch_ns(start) // $bucket * $bucket AS bucket, name, count(*) AS calls, count_if(failed) AS errors,
       quantile_cont(elapsed, [0.5, 0.95, 0.99]) AS quantiles
FROM (FROM calls UNION ALL FROM waits)
GROUP BY bucket, name
HAVING count(elapsed) > 0
ORDER BY name, bucket
LIMIT $limit
