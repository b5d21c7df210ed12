-- Short statements of this folder. The line above a statement is its name.

-- name: spans_of_services
-- The number of spans of each service, of all commits after one.
SELECT service, sum(spans)::BIGINT AS spans
FROM (SELECT resource_id, count(*) AS spans FROM spans WHERE arrival > $known::UBIGINT GROUP BY resource_id)
     JOIN resources USING (resource_id)
GROUP BY service

-- name: traces
-- The number of traces, exactly.
SELECT count(DISTINCT trace_lo) AS traces FROM spans

-- name: traces_about
-- About the number of traces: reads a column of all spans, too, but keeps little in memory.
SELECT approx_count_distinct(trace_lo) AS traces FROM spans

-- name: extent
-- The first and the last start; from statistics instead of rows if the log is empty.
SELECT epoch_ns(min(start)) AS first, epoch_ns(max(start)) AS last FROM spans

-- name: extent_after
-- The first and the last start in a window of the spans after a commit, and the first start after the window.
SELECT epoch_ns(min(start) FILTER (start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until))) AS first,
       epoch_ns(max(start) FILTER (start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until))) AS last,
       epoch_ns(min(start) FILTER (start >= make_timestamp_ns($until))) AS beyond
FROM spans WHERE arrival > $known::UBIGINT

-- name: newest_correlation
-- The newest correlation of the business keys that start with a prefix, in a window.
SELECT epoch_ns(max(last)) AS newest
FROM correlations
WHERE starts_with(key, $prefix) AND last >= make_timestamp_ns($since) AND first < make_timestamp_ns($until)

-- name: spans_outside
-- Spans that start outside a window, by the number of digits of their starts: times in another unit have fewer.
SELECT count(*) AS spans, epoch_ns(min(start)) AS first, epoch_ns(max(start)) AS last
FROM spans
WHERE start < make_timestamp_ns($since) OR start >= make_timestamp_ns($until)
GROUP BY start < make_timestamp_ns($since), length(epoch_ns(start)::VARCHAR)
ORDER BY first

-- name: namespaces
SELECT DISTINCT namespace FROM resources WHERE namespace IS NOT NULL ORDER BY namespace LIMIT $limit

-- name: lag_problems
-- What the newest poll of each cluster could not read. Columns have the names of the fields of `LagProblem`.
SELECT epoch_ns(p.time) AS time, cluster, consumer_group AS "group", topic, partition, reason
FROM lag_problems p
WHERE p.time >= (SELECT max(time) FROM lag_problems newest WHERE newest.cluster = p.cluster)
  AND p.time >= (SELECT coalesce(max(lag.time), p.time) FROM lag WHERE lag.cluster = p.cluster)
ORDER BY cluster, consumer_group, topic, partition, reason
LIMIT $limit

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

-- name: forms_of
-- The forms of some trace ids: the ids with their low halves.
SELECT DISTINCT trace_hi, trace_lo FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::UBIGINT[], trace_lo)

-- name: resources_of
-- Some resources with their attributes.
SELECT resource_id, service, namespace, attributes FROM resources
WHERE list_contains($ids::UBIGINT[], resource_id)

-- name: scopes_of
-- Some instrumentation scopes with their attributes.
SELECT scope_id, name, version, attributes FROM scopes WHERE list_contains($ids::UBIGINT[], scope_id)

-- name: spans_between
-- The number of spans that start in a window; from statistics where a row group is inside.
SELECT count(*) AS spans FROM spans
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)

-- name: resources_of_service
-- The resources of a service, which can be named with its namespace.
SELECT resource_id FROM resources WHERE service = $service OR coalesce(namespace || '/', '') || service = $service
LIMIT $limit

-- name: first_of_newest
-- The first of the newest commits that together have at most a number of spans; the newest commit in any case.
SELECT min(arrival) AS first
FROM (SELECT arrival, sum(spans) OVER (ORDER BY arrival DESC) - spans AS after FROM ledger)
WHERE after < $most
