-- The newest of the oldest commits that together hold a share of all spans.
SELECT min(arrival) AS newest
FROM (SELECT arrival, sum(spans) OVER (ORDER BY arrival) AS running, sum(spans) OVER () AS total FROM ledger)
WHERE running >= total * $share
