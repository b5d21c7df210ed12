-- Short statements of this folder. The line above a statement is its name.

-- name: commits_before
SELECT max(arrival) AS newest FROM ledger WHERE time < make_timestamp_ns($time::BIGINT)

-- name: delete_contracts
-- Like delete_edges.
DELETE FROM contracts
WHERE minute >= $odd
  AND minute < (
      SELECT coalesce(epoch_ns(min(start)) // 60_000_000_000, 9_223_372_036_854_775_807) FROM spans
      WHERE arrival > $until AND start >= make_timestamp_ns($odd * 60_000_000_000)
  )

-- name: delete_digests
DELETE FROM digests WHERE last_arrival <= $until

-- name: delete_edges
-- The minutes that have no spans left. One span dated 1970 must not keep all later minutes.
DELETE FROM edges
WHERE minute >= $odd
  AND minute < (
      SELECT coalesce(epoch_ns(min(start)) // 60_000_000_000, 9_223_372_036_854_775_807) FROM spans
      WHERE arrival > $until AND start >= make_timestamp_ns($odd * 60_000_000_000)
  )

-- name: delete_odd_edges
-- The minutes before the year 2000, and after the newest span, that have no spans left.
DELETE FROM edges
WHERE minute < $odd AND minute < (
          SELECT coalesce(epoch_ns(min(start)) // 60_000_000_000, $odd) FROM spans
          WHERE arrival > $until AND start < make_timestamp_ns($odd * 60_000_000_000)
      )
   OR minute > (SELECT epoch_ns(max(start)) // 60_000_000_000 FROM spans WHERE arrival > $until)

-- name: delete_events
DELETE FROM span_events WHERE arrival <= $until

-- name: delete_lag
DELETE FROM lag WHERE time < (SELECT max(time) FROM ledger WHERE arrival <= $until)

-- name: delete_lag_problems
DELETE FROM lag_problems WHERE time < (SELECT max(time) FROM ledger WHERE arrival <= $until)

-- name: delete_ledger
DELETE FROM ledger WHERE arrival <= $until

-- name: delete_links
DELETE FROM span_links WHERE arrival <= $until

-- name: delete_logs
-- Like delete_lag: logs are never kept longer than spans.
DELETE FROM logs WHERE received < (SELECT max(time) FROM ledger WHERE arrival <= $until)

-- name: delete_logs_before
DELETE FROM logs WHERE received < make_timestamp_ns($time::BIGINT)

-- name: delete_odd_contracts
-- Like delete_odd_edges.
DELETE FROM contracts
WHERE minute < $odd AND minute < (
          SELECT coalesce(epoch_ns(min(start)) // 60_000_000_000, $odd) FROM spans
          WHERE arrival > $until AND start < make_timestamp_ns($odd * 60_000_000_000)
      )
   OR minute > (SELECT epoch_ns(max(start)) // 60_000_000_000 FROM spans WHERE arrival > $until)

-- name: delete_profile_steps
DELETE FROM profile_steps WHERE step NOT IN (SELECT step FROM profiles)

-- name: delete_profiles
-- The slices that have no spans left.
DELETE FROM profiles
WHERE minute + minutes <= (
    SELECT coalesce(epoch_ns(min(start)) // 60_000_000_000, 9_223_372_036_854_775_807) FROM spans
    WHERE arrival > $until AND start >= make_timestamp_ns($odd * 60_000_000_000)
)

-- name: delete_spans
DELETE FROM spans WHERE arrival <= $until

-- name: delete_unmet_links
DELETE FROM unmet_links WHERE arrival <= $until

-- name: oldest_commit
SELECT epoch_ns(min(time)) AS oldest FROM ledger

-- name: oldest_log
SELECT epoch_ns(min(received)) AS oldest FROM logs

-- name: progress
-- How far the commits are counted.
SELECT key, value FROM meta WHERE key IN ('edges_counted', 'profiled') ORDER BY key

-- name: set_progress
INSERT OR REPLACE INTO meta (key, value) VALUES ($key, $value)
