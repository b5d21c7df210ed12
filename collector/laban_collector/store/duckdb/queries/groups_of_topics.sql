-- Which groups have been seen to consume which topics, and the service that does it.
SELECT s.messaging_destination AS topic, s.messaging_group AS consumer_group, max(r.service) AS service
FROM spans s JOIN resources r USING (resource_id)
WHERE s.kind = 5 AND s.messaging_group IS NOT NULL AND s.messaging_destination IN (SELECT unnest($topics::VARCHAR[]))
GROUP BY ALL
ORDER BY ALL
