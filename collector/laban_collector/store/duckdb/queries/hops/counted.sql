-- The last commit that was counted.
SELECT coalesce((SELECT value::UBIGINT FROM meta WHERE key = 'edges_counted'), 0)
