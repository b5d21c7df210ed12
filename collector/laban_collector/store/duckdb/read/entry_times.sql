-- How some operations did in a window: the names are those of spans without IDs, or method and route.
WITH served AS (
    SELECT trace_hi, trace_lo, start, coalesce(namespace || '/', '') || service AS service, service AS short,
           regexp_replace(name, '/[^/]*[0-9][^/]*', '/{}', 'g') AS operation,
           http_method || ' ' || http_route AS route,
           CASE WHEN rpc_system IS NOT NULL AND contains(s.attributes, $streaming) THEN NULL ELSE duration END AS latency,
           status = 2 OR coalesce(http_status, 0) >= 500 AS failed
    FROM spans s JOIN resources r USING (resource_id)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until) AND kind IN (2, 5)
),
named AS (
    SELECT trace_hi, trace_lo, start, latency, failed,
           unnest(list_intersect([service || ' ' || operation, short || ' ' || operation, service || ' ' || route,
                              short || ' ' || route], $names::VARCHAR[])) AS name
    FROM served
)
SELECT name, count(*) AS calls, count_if(failed) AS errors, quantile_cont(latency, 0.95) AS p95,
       max_by({'hi': trace_hi, 'lo': trace_lo}, latency, 5) AS slowest,
       max_by({'hi': trace_hi, 'lo': trace_lo}, start, 5) FILTER (failed) AS failed
FROM named
GROUP BY name
ORDER BY name
