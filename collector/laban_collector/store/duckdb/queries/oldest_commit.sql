SELECT epoch_ns(min(time)) FROM ledger
