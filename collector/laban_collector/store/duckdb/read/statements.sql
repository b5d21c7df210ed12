-- Short statements of this folder. The line above a statement is its name.

-- name: contents
-- A summary of the store.
SELECT count(*) AS spans, approx_count_distinct(trace_lo) AS traces, epoch_ns(min(start)) AS first,
       epoch_ns(max(start)) AS last
FROM spans

-- name: extent
-- The first and the last start; from statistics instead of rows if the log is empty.
SELECT epoch_ns(min(start)) AS first, epoch_ns(max(start)) AS last FROM spans

-- name: extent_since
-- The first and the last start of the spans after a commit.
SELECT epoch_ns(min(start)) AS first, epoch_ns(max(start)) AS last FROM spans WHERE arrival > $known::UBIGINT

-- name: oldest_and_newest_commit
SELECT min(arrival) AS oldest, max(arrival) AS newest FROM ledger

-- name: oldest_lag
SELECT epoch_ns(min(time)) AS oldest FROM lag

-- name: services
-- All services, by name.
SELECT DISTINCT service FROM resources WHERE resource_id IN (SELECT resource_id FROM spans) ORDER BY service
LIMIT $limit

-- name: services_of
-- The services of some resources.
SELECT resource_id, service, namespace FROM resources WHERE list_contains($resources::UBIGINT[], resource_id)
