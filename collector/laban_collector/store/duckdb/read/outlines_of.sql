-- What summaries need of the spans of some traces, in any order. There may be more than a thousand traces, so they are
-- joined instead of compared with each row.
SELECT trace_hi, trace_lo, span_id, parent_id, resource_id, name, epoch_ns(start) AS start, duration, status
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND trace_lo IN (SELECT unnest($wanted::UBIGINT[]))
LIMIT $limit
