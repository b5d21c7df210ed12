-- The counts of some minutes, added up over them.
INSERT INTO edge_counts BY NAME
SELECT * EXCLUDE (minute, calls, errors, timed, elapsed), sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors,
       sum(timed)::BIGINT AS timed, sum(elapsed)::BIGINT AS elapsed
FROM edges
WHERE minute >= $since AND minute < $until
GROUP BY ALL
