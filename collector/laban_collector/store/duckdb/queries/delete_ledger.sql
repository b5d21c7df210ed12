DELETE FROM ledger WHERE arrival <= $until
