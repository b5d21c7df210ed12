-- Spans that published a message with one of some offsets: the message, and the start.
SELECT messaging_destination AS topic, messaging_partition AS partition, messaging_offset AS "offset",
       epoch_ns(start) AS start
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT AND list_contains($wanted::BIGINT[], messaging_offset)
  AND spans.start >= make_timestamp_ns($since) AND spans.start < make_timestamp_ns($until)
  AND (kind = 4 OR (kind = 3 AND messaging_operation IN ('send', 'publish')))
