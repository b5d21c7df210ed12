SELECT min(arrival), max(arrival) FROM ledger
