-- Who consumes what, as the spans from a commit on tell; services by number.
SELECT DISTINCT messaging_destination, messaging_group, resource_id
FROM spans
WHERE arrival >= $first::UBIGINT
  AND kind = 5 AND messaging_group IS NOT NULL AND messaging_destination IS NOT NULL
