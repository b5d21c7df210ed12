-- The newest of the oldest commits that together have about a number of spans, and their number of spans. At least one
-- commit; never the newest of all, because the next sequence depends on it.
SELECT max(arrival) AS last, sum(spans)::BIGINT AS spans
FROM (
    SELECT arrival, spans, sum(spans) OVER (ORDER BY arrival) - spans AS before
    FROM ledger
    WHERE arrival <= $until AND arrival < (SELECT max(arrival) FROM ledger)
)
WHERE before < $spans
