-- Who consumes what, as the spans from a commit on tell.
SELECT DISTINCT s.messaging_destination, s.messaging_group, r.service
FROM spans s JOIN resources r USING (resource_id)
WHERE s.arrival >= $first::UBIGINT
  AND s.kind = 5 AND s.messaging_group IS NOT NULL AND s.messaging_destination IS NOT NULL
