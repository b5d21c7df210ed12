-- The short statements of this room; each one is named by the line above it.

-- name: contents
-- What the store holds.
SELECT count(*), approx_count_distinct(trace_lo), epoch_ns(min(start)), epoch_ns(max(start)) FROM spans

-- name: extent
-- The first and the last start; of the statistics, not of the rows, where nothing is in the log.
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM spans

-- name: extent_since
-- The first and the last start of what came after a commit.
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM spans WHERE arrival > $known::UBIGINT

-- name: hash_of
SELECT hash($value::VARCHAR)

-- name: oldest_and_newest_commit
SELECT min(arrival), max(arrival) FROM ledger

-- name: oldest_lag
SELECT epoch_ns(min(time)) FROM lag

-- name: services
-- All services, by name.
SELECT DISTINCT service FROM resources WHERE resource_id IN (SELECT resource_id FROM spans) ORDER BY service
LIMIT $limit

-- name: services_of
-- Which services have these resources.
SELECT resource_id, service FROM resources WHERE list_contains($resources::UBIGINT[], resource_id)
