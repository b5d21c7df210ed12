-- The age difference, in ns, between the oldest uncounted commit and the newest commit; NULL if all are counted.
SELECT epoch_ns((SELECT max(time) FROM ledger)) - epoch_ns(min(time)) AS behind
FROM ledger
WHERE arrival > coalesce((SELECT value::UBIGINT FROM meta WHERE key = 'edges_counted'), 0)
