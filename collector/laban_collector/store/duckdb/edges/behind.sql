-- How many ns the oldest commit that is not counted is older than the newest; NULL when all are counted.
SELECT epoch_ns((SELECT max(time) FROM ledger)) - epoch_ns(min(time))
FROM ledger
WHERE arrival > coalesce((SELECT value::UBIGINT FROM meta WHERE key = 'edges_counted'), 0)
