-- Consumer groups, their topics, and the resources of their services, since a commit.
SELECT DISTINCT messaging_destination AS topic, messaging_group AS "group", resource_id
FROM spans
WHERE arrival >= $first::UBIGINT
  AND kind = 5 AND messaging_group IS NOT NULL AND messaging_destination IS NOT NULL
