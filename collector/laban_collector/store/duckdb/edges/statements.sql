-- Short statements of this folder. The line above a statement is its name.

-- name: calls_of_others
-- The calls in the changes that are counted for other nodes.
SELECT name, sum(calls)::BIGINT AS calls
FROM (SELECT source AS name, calls FROM edge_changes UNION ALL SELECT target, calls FROM edge_changes)
WHERE starts_with(name, 'other:')
GROUP BY name

-- name: clear_pass
TRUNCATE edge_forms;
TRUNCATE edge_keys;
TRUNCATE edge_pairs;
TRUNCATE edge_related

-- name: commits_of_window
-- The first and the last commit with a span of a window.
SELECT min(arrival) AS first, max(arrival) AS last FROM spans
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)

-- name: counted
-- The last counted commit.
SELECT coalesce((SELECT value::UBIGINT FROM meta WHERE key = 'edges_counted'), 0) AS counted

-- name: counted_to
-- When the last counted commit was stored.
SELECT epoch_ns(max(time)) AS time FROM ledger
WHERE arrival <= coalesce((SELECT value::UBIGINT FROM meta WHERE key = 'edges_counted'), 0)

-- name: crowded_traces
-- The traces with very many spans nearby in time.
SELECT trace_lo, count(*) AS spans
FROM spans
SEMI JOIN edge_traces USING (trace_lo)
WHERE start >= make_timestamp_ns($from) AND start < make_timestamp_ns($to) AND arrival < $before::UBIGINT
GROUP BY trace_lo
HAVING count(*) > $most

-- name: delete_minutes
DELETE FROM edges WHERE minute IN (SELECT unnest($minutes))

-- name: insert_added_up
INSERT INTO edges BY NAME FROM added_up LIMIT 1000000000000

-- name: insert_edges
-- LIMIT: see insert_spans.sql.
INSERT INTO edges BY NAME FROM new_edges LIMIT 1000000000000

-- name: insert_unmet_links
INSERT INTO unmet_links BY NAME FROM new_unmet_links

-- name: keys
INSERT INTO edge_keys
SELECT row, trace_hi, trace_lo, span_id, parent_id, role, messaging_operation IS NOT DISTINCT FROM 'receive'
FROM edge_traced

-- name: drop_latency_facts
DROP TABLE latency_facts

-- name: latencies_of_minutes
-- The counts of calls and of waiting messages over time. An empty name stands for those beyond a limit.
CREATE TEMP TABLE latency_facts AS
SELECT minute // $minutes * $minutes AS minute, source, target, nullif(address, '') AS address,
       nullif(rpc_service, '') AS rpc_service, flow, part, is_async, bucket, sum(calls)::BIGINT AS calls,
       sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed, sum(elapsed)::DOUBLE AS elapsed
FROM edges
WHERE minute >= $since AND minute < $until AND is_async = starts_with(source, 'topic:')
GROUP BY ALL
HAVING sum(calls) > 0

-- name: latencies_of_counts
-- The same of what was computed from spans.
CREATE TEMP TABLE latency_facts AS
SELECT minute // $minutes * $minutes AS minute, source, target, address, rpc_service, flow, part, is_async, bucket,
       sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
       sum(elapsed)::DOUBLE AS elapsed
FROM edge_counts
WHERE is_async = starts_with(source, 'topic:')
GROUP BY ALL
HAVING sum(calls) > 0

-- name: most_of_a_trace
-- The most selected spans that a trace has.
SELECT coalesce(max(spans), 0) AS spans FROM (SELECT count(*) AS spans FROM edge_scope GROUP BY trace_lo)

-- name: number_of_contracts
SELECT count(*) AS contracts FROM edge_contracts

-- name: number_of_forms
SELECT count(*) AS forms FROM edge_forms

-- name: number_of_names
-- The number of nodes, or of addresses or RPC services if there are more.
SELECT greatest((SELECT count(*) FROM (SELECT source FROM edge_counts UNION SELECT target FROM edge_counts)),
                count(DISTINCT address), count(DISTINCT rpc_service)) AS names
FROM edge_counts

-- name: number_of_pairs
SELECT count(*) AS pairs FROM edge_pairs

-- name: number_of_others
SELECT count(*) AS others FROM edge_others

-- name: others
-- All columns of the needed spans, now that their rows are known.
INSERT INTO edge_others BY NAME FROM edge_spans WHERE row IN (SELECT row FROM edge_rows)

-- name: pass_of_all
-- Edges are computed of all spans in the scope.
CREATE OR REPLACE TEMP VIEW edge_pass AS FROM edge_scope

-- name: pass_of_others
-- Edges are computed of the spans that were counted before.
CREATE OR REPLACE TEMP VIEW edge_pass AS SELECT *, true AS old FROM edge_others

-- name: range_of_commits
-- The first and the last start in some commits.
SELECT epoch_ns(min(start)) AS began, epoch_ns(max(start)) AS ended FROM spans
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT

-- name: set_counted
-- No update: DuckDB refuses checkpoints while a transaction may still read what an update replaced.
DELETE FROM meta WHERE key = 'edges_counted';
INSERT INTO meta (key, value) VALUES ('edges_counted', $counted::VARCHAR)

-- name: set_scope
-- The bounds of `edge_scope`; a variable, because views take no parameters.
SET VARIABLE edge_bounds = {'first': $first::BIGINT, 'last': $last::BIGINT}

-- name: set_streaming
-- The mark of streaming RPCs in attributes; a variable, because views take no parameters.
SET VARIABLE edge_streaming = $streaming::VARCHAR

-- name: table_of_edges
-- The table in which edges are added up; local to this connection.
CREATE TEMP TABLE edge_counts AS
SELECT *, NULL::VARCHAR AS event_type, NULL::VARCHAR AS version FROM edges LIMIT 0;
CREATE TEMP TABLE edge_contracts AS FROM contracts LIMIT 0

-- name: contracts_of_minutes
INSERT INTO edge_contracts BY NAME FROM contracts WHERE minute >= $since AND minute < $until

-- name: delete_contracts
DELETE FROM contracts WHERE minute IN (SELECT unnest($minutes))

-- name: insert_added_up_contracts
INSERT INTO contracts BY NAME FROM added_up_contracts LIMIT 1000000000000

-- name: insert_contracts
-- LIMIT: see insert_spans.sql.
INSERT INTO contracts BY NAME FROM new_contracts LIMIT 1000000000000

-- name: rows_of_contract_hours
-- The number of stored rows of some hours, and whether contracts are left out of the hour already.
SELECT minute // 60 AS hour, count(*) AS number, bool_or(event_type IS NOT DISTINCT FROM $other) AS has_others
FROM contracts
WHERE minute BETWEEN $first * 60 AND $last * 60 + 59 AND minute // 60 IN (SELECT unnest($hours))
GROUP BY hour

-- name: rows_of_changed_contract_hours
-- The number of changed rows of each hour.
SELECT minute // 60 AS hour, count(*) AS number FROM contract_changes GROUP BY hour ORDER BY hour

-- name: take_folded
DROP TABLE edge_counts;
ALTER TABLE edge_folded RENAME TO edge_counts

-- name: trace_ids_as_sent
-- The selected spans; all spans of a trace have the same form of its id.
CREATE OR REPLACE TEMP VIEW edge_traced AS FROM edge_pass

-- name: trace_ids_in_one_form
-- The selected spans, with one form of each trace id.
CREATE OR REPLACE TEMP VIEW edge_traced AS
SELECT s.* REPLACE (coalesce(f.trace_hi, s.trace_hi) AS trace_hi)
FROM edge_pass s
LEFT JOIN edge_forms f ON f.short = s.trace_hi AND f.trace_lo = s.trace_lo

-- name: traces_to_find
-- The traces of linked producers that have not been found yet.
SELECT DISTINCT from_lo FROM edge_links ANTI JOIN edge_producers USING (from_lo, from_hi, from_span)

-- name: uncounted
-- The number of uncounted spans.
SELECT coalesce(sum(spans), 0)::BIGINT AS spans FROM ledger WHERE arrival > $counted

-- name: rows_of_hours
-- The number of rows of some hours, and whether names are left out of the hour already.
SELECT minute // 60 AS hour, count(*) AS number,
       bool_or(starts_with(source, 'other:') OR starts_with(target, 'other:') OR protocol = ''
               OR coalesce(address = '', false) OR coalesce(rpc_service = '', false)
               OR coalesce(flow IN ('sent by other', 'consumed by other'), false)) AS has_others
FROM edges
WHERE minute BETWEEN $first * 60 AND $last * 60 + 59 AND minute // 60 IN (SELECT unnest($hours))
GROUP BY hour

-- name: rows_of_changed_hours
-- The number of changed rows of each hour.
SELECT minute // 60 AS hour, count(*) AS number FROM edge_changes GROUP BY hour ORDER BY hour

-- name: rows_of_minutes
-- The number of rows of some minutes.
SELECT minute, count(*) AS number FROM edges
WHERE minute IN (SELECT unnest($minutes::BIGINT[]))
GROUP BY minute
ORDER BY minute
