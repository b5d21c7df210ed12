-- What the store holds.
SELECT count(*), approx_count_distinct(trace_lo), epoch_ns(min(start)), epoch_ns(max(start)) FROM spans
