SELECT epoch_ns(min(time)) FROM lag
