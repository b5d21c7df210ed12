-- The next commits without a digest that together have so many spans; NULL when there are not so many. Never the
-- newest commit: if its answer was lost, its number comes once more.
WITH done AS (SELECT coalesce(max(last_arrival) + 1, 0) AS first FROM digests),
waiting AS (
    SELECT arrival, sum(spans) OVER (ORDER BY arrival) AS running
    FROM ledger
    WHERE arrival >= (SELECT first FROM done) AND arrival < (SELECT max(arrival) FROM ledger)
)
SELECT (SELECT first FROM done), min(arrival) FROM waiting WHERE running >= $spans
