-- The short statements of this room; each one is named by the line above it.

-- name: oldest_digest
SELECT min(first_arrival) FROM digests
