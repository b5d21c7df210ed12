-- Traces with a span on one of these messages.
WITH wanted AS (
    SELECT unnest($topics::VARCHAR[]) AS topic, unnest($partitions::BIGINT[]) AS partition,
           unnest($offsets::BIGINT[]) AS "offset"
)
SELECT DISTINCT s.trace_hi, s.trace_lo
FROM spans s
JOIN wanted w
  ON s.messaging_destination = w.topic AND s.messaging_partition = w.partition AND s.messaging_offset = w."offset"
WHERE s.arrival BETWEEN $from::UBIGINT AND $to::UBIGINT
  AND s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
