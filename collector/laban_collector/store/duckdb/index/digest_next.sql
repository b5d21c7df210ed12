-- The next commits without a digest that together have a number of spans; NULL if there are too few. Never the newest
-- commit: if it was not acknowledged, its sequence is used again.
WITH done AS (SELECT coalesce(max(last_arrival) + 1, 0) AS first FROM digests),
waiting AS (
    SELECT arrival, sum(spans) OVER (ORDER BY arrival) AS running
    FROM ledger
    WHERE arrival >= (SELECT first FROM done) AND arrival < (SELECT max(arrival) FROM ledger)
)
SELECT (SELECT first FROM done) AS first, min(arrival) AS last FROM waiting WHERE running >= $spans
