-- Short statements of this folder. The line above a statement is its name.

-- name: oldest_digest
SELECT min(first_arrival) AS oldest FROM digests

-- name: newest_spans
-- The number of spans in the commits from one to another, the number from one on, and the newest commit.
SELECT coalesce(sum(spans) FILTER (arrival <= $last::UBIGINT), 0)::BIGINT AS known,
       coalesce(sum(spans), 0)::BIGINT AS spans, max(arrival) AS newest
FROM ledger WHERE arrival >= $first::UBIGINT

-- name: digest_values
-- The values of business keys that queries may look for in a range of commits.
SELECT DISTINCT value FROM correlations WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT

-- name: consumers_of_commits
-- The consumer groups in a range of commits, their topics, and their services.
SELECT DISTINCT s.messaging_destination AS topic, s.messaging_group AS "group", r.service
FROM spans s JOIN resources r USING (resource_id)
WHERE s.arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
  AND s.kind = 5 AND s.messaging_group IS NOT NULL AND s.messaging_destination IS NOT NULL
