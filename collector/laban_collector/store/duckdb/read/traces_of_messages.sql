-- Traces with a span on a message that has one of some offsets, and the message.
SELECT trace_hi, trace_lo, messaging_destination AS topic, messaging_partition AS partition,
       messaging_offset AS "offset"
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::BIGINT[], messaging_offset)
  AND start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
