-- Short statements of this folder. The line above a statement is its name.

-- name: add_up_counts
-- Adds up the counts of some slices, in longer slices. A count belongs to the slice in which its trace began.
CREATE TEMP TABLE profiles_added_up AS
WITH flat AS (
    SELECT minute // $minutes * $minutes AS minute, entry, step, measure, unnest(buckets) AS bucket,
           unnest(counts) AS count
    FROM profiles
    WHERE minute BETWEEN $first AND $last AND minutes <= $minutes
),
summed AS (
    SELECT minute, entry, step, measure, bucket, sum(count)::BIGINT AS count FROM flat GROUP BY ALL
)
SELECT minute, $minutes::INTEGER AS minutes, entry, step, measure, list(bucket ORDER BY bucket) AS buckets,
       list(count ORDER BY bucket) AS counts
FROM summed
GROUP BY minute, entry, step, measure
ORDER BY minute, entry, step, measure

-- name: commits_around
-- The commits that may hold other spans of the traces of some commits: at most a minute and a number of spans away.
WITH these AS (
    SELECT min(time) - INTERVAL 1 MINUTE AS since, max(time) + INTERVAL 1 MINUTE AS until
    FROM ledger WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
),
near AS (
    SELECT arrival, sum(CASE WHEN arrival < $first THEN spans ELSE 0 END) OVER (ORDER BY arrival DESC) AS earlier,
           sum(CASE WHEN arrival > $last THEN spans ELSE 0 END) OVER (ORDER BY arrival) AS later
    FROM ledger, these
    WHERE time BETWEEN since AND until
)
SELECT min(arrival) FILTER (WHERE earlier <= $before) AS first, max(arrival) FILTER (WHERE later <= $after) AS last
FROM near

-- name: count_of
-- The counts of an entry in some slices, added up. No slice is longer than an hour: the second condition, which row groups
-- can be left out by, follows from the first.
WITH flat AS (
    SELECT step, measure, unnest(buckets) AS bucket, unnest(counts) AS count
    FROM profiles
    WHERE entry = $entry AND minute + minutes > $since AND minute > $since - 60 AND minute < $until
),
summed AS (SELECT step, measure, bucket, sum(count)::BIGINT AS count FROM flat GROUP BY ALL)
SELECT step, measure, list(bucket ORDER BY bucket) AS buckets, list(count ORDER BY bucket) AS counts
FROM summed
GROUP BY step, measure
ORDER BY step, measure

-- name: delete_counts
DELETE FROM profiles WHERE minute BETWEEN $first AND $last AND minutes <= $minutes

-- name: insert_added_up
INSERT INTO profiles BY NAME FROM profiles_added_up LIMIT 1000000000000

-- name: insert_counts
-- LIMIT: see insert_spans.sql.
INSERT INTO profiles BY NAME FROM new_counts LIMIT 1000000000000

-- name: insert_steps
INSERT INTO profile_steps BY NAME
FROM new_steps WHERE step NOT IN (SELECT step FROM profile_steps)

-- name: next_commits
-- The next commits that are old enough, up to a number of spans; at least one commit if there is one.
SELECT min(arrival) AS first, max(arrival) AS last, sum(spans)::BIGINT AS spans
FROM (
    SELECT arrival, spans, sum(spans) OVER (ORDER BY arrival) - spans AS before
    FROM ledger
    WHERE arrival > $profiled AND time <= make_timestamp_ns($until::BIGINT)
)
WHERE before + spans <= $most OR before = 0

-- name: oldest_after
-- When the first of the commits that are not counted was stored; NULL if all are counted.
SELECT epoch_ns(min(time)) AS time FROM ledger WHERE arrival > $profiled

-- name: profiled
-- The last commit whose traces are counted.
SELECT coalesce((SELECT value::UBIGINT FROM meta WHERE key = 'profiled'), 0) AS profiled

-- name: rows_of_slices
-- The slices of a length that begin in a window, and how many rows of shorter slices, or of a minute, lie in each.
SELECT minute // $minutes * $minutes AS first, count(*) AS number FROM profiles
WHERE minutes < greatest($minutes, 2) AND minute BETWEEN $first AND $last
GROUP BY first
ORDER BY first

-- name: set_profiled
-- No update: DuckDB refuses checkpoints while a transaction may still read what an update replaced.
DELETE FROM meta WHERE key = 'profiled';
INSERT INTO meta (key, value) VALUES ('profiled', $profiled::VARCHAR)

-- name: slices_of
-- The slices of an entry, and how many values of a measure of the entry itself each has.
SELECT minute, minutes, sum(list_sum(counts))::BIGINT AS number FROM profiles
WHERE entry = $entry AND step = $entry AND measure = $measure
  AND minute + minutes > $since AND minute > $since - 60 AND minute < $until
GROUP BY minute, minutes
ORDER BY minute, minutes

-- name: steps_of
SELECT step, above, entry, service, namespace, operation, kind, consumer_group AS "group"
FROM profile_steps WHERE entry = $entry
ORDER BY step
