-- The sum of the counts of some minutes.
INSERT INTO edge_counts BY NAME
SELECT * EXCLUDE (minute, calls, errors, timed, elapsed), sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors,
       sum(timed)::BIGINT AS timed, sum(elapsed)::BIGINT AS elapsed
FROM edges
WHERE minute >= $since AND minute < $until
GROUP BY ALL
