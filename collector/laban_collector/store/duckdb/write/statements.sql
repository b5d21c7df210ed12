-- Short statements of this folder. The line above a statement is its name.

-- name: batch_starts
SELECT epoch_ns(min(start)) AS first, epoch_ns(max(start)) AS last FROM batch_ids

-- name: insert_lag
INSERT INTO lag BY NAME
SELECT * FROM batch_lag

-- name: insert_lag_problems
INSERT INTO lag_problems BY NAME
SELECT * FROM batch_lag_problems

-- name: insert_logs
INSERT INTO logs BY NAME
SELECT *, make_timestamp_ns($received::BIGINT) AS received FROM batch_logs

-- name: insert_resources
INSERT INTO resources BY NAME FROM batch_resources

-- name: insert_scopes
INSERT INTO scopes BY NAME FROM batch_scopes

-- name: last_commit
SELECT coalesce(max(arrival), 0) AS sequence FROM ledger

-- name: latest_start
-- The latest start before a time, and the first start from that time on.
SELECT coalesce(epoch_ns(max(start) FILTER (start < make_timestamp_ns($until))), 0) AS latest,
       epoch_ns(min(start) FILTER (start >= make_timestamp_ns($until))) AS ahead
FROM spans

-- name: ids_of_resources
-- The numbers of some resources. MATERIALIZED: see duplicate_rows.sql.
WITH wanted AS MATERIALIZED (FROM batch_hashes)
SELECT hash, resource_id FROM resources SEMI JOIN wanted USING (hash)

-- name: ids_of_scopes
WITH wanted AS MATERIALIZED (FROM batch_hashes)
SELECT hash, scope_id FROM scopes SEMI JOIN wanted USING (hash)

-- name: last_of_resources
-- The last number. In files of older versions, hashes are numbers; new numbers do not continue from those.
SELECT coalesce(max(resource_id) FILTER (resource_id <> hash), 0) AS last FROM resources

-- name: last_of_scopes
SELECT coalesce(max(scope_id) FILTER (scope_id <> hash), 0) AS last FROM scopes

-- name: newest_resources
SELECT hash, resource_id FROM resources ORDER BY resource_id DESC LIMIT $most

-- name: newest_scopes
SELECT hash, scope_id FROM scopes ORDER BY scope_id DESC LIMIT $most
