-- The short statements of this room. The line above a statement names it.

-- name: oldest_digest
SELECT min(first_arrival) AS oldest FROM digests

-- name: digest_values
-- The values of business keys that may be looked for in a range of commits.
SELECT DISTINCT value FROM correlations WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
