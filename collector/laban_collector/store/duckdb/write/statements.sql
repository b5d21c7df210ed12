-- The short statements of this room; each one is named by the line above it.

-- name: batch_starts
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM batch_ids

-- name: insert_lag
INSERT INTO lag BY NAME
SELECT * FROM batch_lag

-- name: insert_resources
INSERT INTO resources BY NAME FROM batch_resources

-- name: insert_scopes
INSERT INTO scopes BY NAME FROM batch_scopes

-- name: last_arrival
SELECT coalesce(max(arrival), 0) FROM ledger

-- name: latest_start
SELECT coalesce(max(epoch_ns(start)), 0) FROM spans

-- name: numbers_of_resources
SELECT hash, resource_id FROM resources

-- name: numbers_of_scopes
SELECT hash, scope_id FROM scopes
