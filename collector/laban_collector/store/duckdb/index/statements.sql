-- Short statements of this folder. The line above a statement is its name.

-- name: oldest_digest
SELECT min(first_arrival) AS oldest FROM digests

-- name: digest_values
-- The values of business keys that queries may look for in a range of commits.
SELECT DISTINCT value FROM correlations WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
