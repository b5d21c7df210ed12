-- Spans that are not counted.
SELECT coalesce(sum(spans), 0)::BIGINT FROM ledger WHERE arrival > $counted
