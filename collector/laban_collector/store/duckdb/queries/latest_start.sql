SELECT coalesce(max(epoch_ns(start)), 0) FROM spans
