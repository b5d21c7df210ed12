SELECT max(arrival) FROM ledger WHERE time < make_timestamp_ns($time::BIGINT)
