-- The short statements of this room; each one is named by the line above it.

-- name: commits_of_window
-- The first and the last commit that brought a span of a window.
SELECT min(arrival), max(arrival) FROM spans
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)

-- name: counted
-- The last commit that was counted.
SELECT coalesce((SELECT value::UBIGINT FROM meta WHERE key = 'edges_counted'), 0)

-- name: delete_minutes
DELETE FROM edges WHERE minute IN (SELECT unnest($minutes))

-- name: insert_added_up
INSERT INTO edges BY NAME FROM added_up LIMIT 1000000000000

-- name: insert_edges
-- LIMIT: see insert_spans.sql.
INSERT INTO edges BY NAME FROM new_edges LIMIT 1000000000000

-- name: insert_unmet_links
INSERT INTO unmet_links BY NAME FROM new_unmet_links

-- name: others
-- The spans that are needed, too: the many columns, now that it is known of which rows.
INSERT INTO edge_others BY NAME FROM edge_spans WHERE row IN (SELECT row FROM edge_rows)

-- name: range_of_commits
-- When the first and the last span of some commits began.
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM spans
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT

-- name: set_counted
INSERT OR REPLACE INTO meta (key, value) VALUES ('edges_counted', $counted::VARCHAR)

-- name: set_scope
-- The bounds of `edge_scope`: views take no parameters.
SET VARIABLE edge_bounds = {'first': $first::BIGINT, 'last': $last::BIGINT}

-- name: table_of_edges
-- Where edges are added up; of this connection only.
CREATE TEMP TABLE edge_counts AS FROM edges LIMIT 0

-- name: traces_to_find
-- In which traces those are who sent what is linked to, and were not found yet.
SELECT DISTINCT from_lo FROM edge_links ANTI JOIN edge_producers USING (from_lo, from_hi, from_span)

-- name: uncounted
-- Spans that are not counted.
SELECT coalesce(sum(spans), 0)::BIGINT FROM ledger WHERE arrival > $counted
