-- The first and the last start; of the statistics, not of the rows.
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM spans
