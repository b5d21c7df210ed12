-- All services, by name.
SELECT DISTINCT service FROM resources WHERE resource_id IN (SELECT resource_id FROM spans) ORDER BY service
LIMIT $limit
