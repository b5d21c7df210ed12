-- The first and the last start; of the statistics, not of the rows, where nothing is in the log.
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM spans
