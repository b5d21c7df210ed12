-- Short statements of this folder. The line above a statement is its name.

-- name: delete_settled
-- The steps that are in the totals.
DELETE FROM unsettled_edges WHERE step BETWEEN 1 AND $taken

-- name: delete_step
DELETE FROM unsettled_edges WHERE step = $step

-- name: delete_totals
DELETE FROM edge_totals WHERE (kind, client, server, connection) IN (FROM old_totals)

-- name: insert_totals
-- LIMIT: see insert_spans.sql.
INSERT INTO edge_totals BY NAME FROM new_totals LIMIT 1000000000000

-- name: insert_unsettled
INSERT INTO unsettled_edges BY NAME FROM new_unsettled LIMIT 1000000000000

-- name: totals
SELECT kind, client, server, connection, last, calls, errors, histograms FROM edge_totals

-- name: unsettled
SELECT step, source, target, address, rpc_service, flow, part, is_async, bound, calls, errors, timed, elapsed
FROM unsettled_edges
