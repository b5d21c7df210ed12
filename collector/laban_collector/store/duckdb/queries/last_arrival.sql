SELECT coalesce(max(arrival), 0) FROM ledger
