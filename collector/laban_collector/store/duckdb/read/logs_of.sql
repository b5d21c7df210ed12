-- The log records of some traces, by time. The same record may have been stored twice: after a commit whose answer was lost.
SELECT trace_hi, trace_lo, span_id, epoch_ns(time) AS time, severity, severity_text, service, namespace, logger,
       event_name, body, attributes, dropped_attributes
FROM logs
WHERE trace_lo IN (SELECT unnest($traces::UBIGINT[]))
QUALIFY row_number() OVER (PARTITION BY trace_lo, content ORDER BY received) = 1
ORDER BY logs.time, content
LIMIT $limit
