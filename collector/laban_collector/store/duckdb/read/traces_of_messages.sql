-- Traces with a span on a message with one of these offsets, and on which one.
SELECT trace_hi, trace_lo, messaging_destination, messaging_partition, messaging_offset
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($sought::BIGINT[], messaging_offset)
  AND start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
