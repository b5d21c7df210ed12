-- The commits after the last one that was counted, up to so many spans; one at least, if there is any.
SELECT max(arrival), sum(spans)::BIGINT
FROM (
    SELECT arrival, spans, sum(spans) OVER (ORDER BY arrival) - spans AS before
    FROM ledger
    WHERE arrival > $counted
)
WHERE before + spans <= $most OR before = 0
