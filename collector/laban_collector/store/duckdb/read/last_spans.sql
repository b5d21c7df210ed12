-- The end of the newest span of each wanted service that started in a window, in ns. A service can be asked for with its
-- namespace, `shop/order`.
WITH wanted AS (
    SELECT w.name, r.resource_id
    FROM (SELECT unnest($services::VARCHAR[]) AS name) w
    JOIN resources r ON w.name IN (r.service, r.namespace || '/' || r.service)
)
SELECT w.name AS service, max(epoch_ns(s.start) + s.duration) AS last
FROM spans s
JOIN wanted w ON w.resource_id = s.resource_id
WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
GROUP BY ALL
ORDER BY ALL
