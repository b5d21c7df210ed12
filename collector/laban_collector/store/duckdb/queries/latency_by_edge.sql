-- Percentiles of each service-to-service call over time.
WITH recent AS (
    SELECT s.trace_hi, s.trace_lo, s.span_id, s.parent_id, s.kind, s.status, s.duration, s.http_status, s.start,
           r.service
    FROM spans s JOIN resources r USING (resource_id)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
)
SELECT epoch_ns(c.start) // $bucket * $bucket AS bucket, p.service || ' → ' || c.service AS name,
       count(*) AS calls,
       count_if(c.status = 2 OR coalesce(c.http_status, 0) >= 500
                OR (p.kind = 3 AND p.status = 2 AND coalesce(p.http_status, 500) >= 500)) AS errors,
       quantile_cont(CASE WHEN p.kind = 3 THEN p.duration ELSE c.duration END, [0.5, 0.95, 0.99]) AS quantiles
FROM recent c
JOIN recent p ON p.span_id = c.parent_id AND p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi
WHERE c.kind = 2 AND p.kind NOT IN (4, 5) AND NOT (p.kind = 2 AND c.service = p.service)
GROUP BY ALL
ORDER BY name, bucket
