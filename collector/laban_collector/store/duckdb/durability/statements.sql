-- Short statements of this folder. The line above a statement is its name.

-- name: add_lost_resources
-- Stand for the lost resources of rescued spans.
INSERT INTO resources BY NAME
SELECT DISTINCT resource_id, hash('lost resource', resource_id) AS hash, 'unknown_service' AS service, '{}' AS attributes
FROM spans ANTI JOIN resources USING (resource_id)

-- name: add_lost_scopes
-- Stand for the lost scopes of rescued spans.
INSERT INTO scopes BY NAME
SELECT DISTINCT scope_id, hash('lost scope', scope_id) AS hash, '' AS name, '{}' AS attributes
FROM spans ANTI JOIN scopes USING (scope_id)

-- name: commits_of_rescued
-- The commits of a rescued file, in order, with their spans.
SELECT arrival, count(*) AS spans FROM spans GROUP BY arrival ORDER BY arrival

-- name: estimated_rows
SELECT estimated_size FROM duckdb_tables() WHERE table_name = ?

-- name: is_block_in_use
-- Whether a block holds rows of a table.
SELECT count(*) > 0 AS used FROM pragma_storage_info($name)
WHERE block_id = $block OR list_contains(additional_block_ids, $block)

-- name: is_metadata_block
SELECT count(*) > 0 AS used FROM pragma_metadata_info() WHERE block_id = $block

-- name: metadata_blocks
SELECT DISTINCT block_id FROM pragma_metadata_info()

-- name: segments
-- Where the rows of a table are, and the range of their values.
SELECT row_group_id, column_name, segment_type, start, count, stats, has_updates, persistent
FROM pragma_storage_info(?)
ORDER BY row_group_id, column_id, segment_id

-- name: insert_rescued_ledger
-- What is stored of each commit; what is lost is in the report of the rescue.
INSERT INTO ledger BY NAME
WITH stored AS (SELECT arrival, count(*) AS spans FROM spans GROUP BY arrival),
recorded AS (
    SELECT arrival, max(time) AS time, sum(events) AS events, sum(links) AS links, sum(correlations) AS correlations
    FROM read_ledger GROUP BY arrival
)
SELECT coalesce(stored.arrival, recorded.arrival) AS arrival,
       coalesce(recorded.time, now()::TIMESTAMP_NS) AS time,
       coalesce(stored.spans, 0) AS spans,
       coalesce(recorded.events, 0) AS events,
       coalesce(recorded.links, 0) AS links,
       coalesce(recorded.correlations, 0) AS correlations
FROM stored FULL JOIN recorded ON stored.arrival = recorded.arrival

-- name: rescued_correlations
-- The business keys of some commits, for the traces of their spans.
SELECT key, value, trace_hi, trace_lo, first, last FROM correlations
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
  AND (trace_hi, trace_lo) IN (SELECT (trace_hi, trace_lo) FROM rescued_spans)

-- name: rescued_events
-- The events of some commits, with the row of their span.
SELECT s.row, e.* EXCLUDE (arrival) FROM span_events e
JOIN (SELECT trace_hi, trace_lo, span_id, min(row) AS row FROM rescued_spans GROUP BY ALL) s
  ON s.trace_hi = e.trace_hi AND s.trace_lo = e.trace_lo AND s.span_id = e.span_id
WHERE e.arrival BETWEEN $first::UBIGINT AND $last::UBIGINT

-- name: rescued_links
-- The links of some commits, with the row of their span.
SELECT s.row, l.* EXCLUDE (arrival) FROM span_links l
JOIN (SELECT trace_hi, trace_lo, span_id, min(row) AS row FROM rescued_spans GROUP BY ALL) s
  ON s.trace_hi = l.trace_hi AND s.trace_lo = l.trace_lo AND s.span_id = l.span_id
WHERE l.arrival BETWEEN $first::UBIGINT AND $last::UBIGINT

-- name: rescued_resources
-- The resources of some spans.
SELECT hash AS resource_id, service, attributes, namespace, version, instance FROM resources
WHERE hash IN (SELECT resource_id FROM rescued_spans)

-- name: rescued_scopes
-- The scopes of some spans.
SELECT hash AS scope_id, name, attributes, version FROM scopes
WHERE hash IN (SELECT scope_id FROM rescued_spans)

-- name: rescued_spans
-- The spans of some commits, with the hashes of their resources and scopes.
SELECT s.* EXCLUDE (arrival) REPLACE (r.hash AS resource_id, c.hash AS scope_id) FROM spans s
JOIN resources r ON r.resource_id = s.resource_id
JOIN scopes c ON c.scope_id = s.scope_id
WHERE s.arrival BETWEEN $first::UBIGINT AND $last::UBIGINT

-- name: add_rescued_lag
-- LIMIT: see insert_spans.sql.
INSERT INTO lag BY NAME
FROM rescued_lag r ANTI JOIN lag l ON l.time = r.time AND l.cluster = r.cluster AND l.consumer_group = r.consumer_group
    AND l.topic = r.topic AND l.partition = r.partition
LIMIT 1000000000000

-- name: add_rescued_lag_problems
INSERT INTO lag_problems BY NAME
FROM rescued_lag_problems r ANTI JOIN lag_problems l ON l.time = r.time AND l.cluster = r.cluster
    AND l.reason = r.reason AND l.consumer_group IS NOT DISTINCT FROM r.consumer_group
    AND l.topic IS NOT DISTINCT FROM r.topic AND l.partition IS NOT DISTINCT FROM r.partition
LIMIT 1000000000000

-- name: add_rescued_logs
INSERT INTO logs BY NAME
FROM rescued_logs r ANTI JOIN logs l ON l.trace_lo = r.trace_lo AND l.content = r.content
LIMIT 1000000000000

-- name: mark_sequence
-- An empty commit, so that the numbers of commits go on from here.
INSERT INTO ledger VALUES ($sequence::UBIGINT, now()::TIMESTAMP_NS, 0, 0, 0, 0)
