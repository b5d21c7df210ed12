-- Short statements of this folder. The line above a statement is its name.

-- name: batch_starts
SELECT epoch_ns(min(start)) AS first, epoch_ns(max(start)) AS last FROM batch_ids

-- name: insert_lag
INSERT INTO lag BY NAME
SELECT * FROM batch_lag

-- name: insert_lag_problems
INSERT INTO lag_problems BY NAME
SELECT * FROM batch_lag_problems

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
SELECT hash, resource_id FROM resources

-- name: ids_of_scopes
SELECT hash, scope_id FROM scopes
