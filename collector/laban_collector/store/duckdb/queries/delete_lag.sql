DELETE FROM lag WHERE time < (SELECT max(time) FROM ledger WHERE arrival <= $until)
