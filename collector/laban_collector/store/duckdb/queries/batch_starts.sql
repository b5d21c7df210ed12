SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM batch_ids
