-- The commits after the last counted one, up to a number of spans; at least one commit if there is one.
SELECT max(arrival) AS last, sum(spans)::BIGINT AS spans
FROM (
    SELECT arrival, spans, sum(spans) OVER (ORDER BY arrival) - spans AS before
    FROM ledger
    WHERE arrival > $counted
)
WHERE before + spans <= $most OR before = 0
