-- The oldest commits that together have about so many spans: their newest, and how many. One at least; never the
-- newest of all, from whose number the next one goes on.
SELECT max(arrival), sum(spans)::BIGINT
FROM (
    SELECT arrival, spans, sum(spans) OVER (ORDER BY arrival) - spans AS before
    FROM ledger
    WHERE arrival <= $until AND arrival < (SELECT max(arrival) FROM ledger)
)
WHERE before < $spans
