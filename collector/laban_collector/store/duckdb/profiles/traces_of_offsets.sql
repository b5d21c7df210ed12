-- Traces with a span on a message with some offsets.
SELECT DISTINCT trace_hi, trace_lo, messaging_destination AS topic, messaging_partition AS partition,
       messaging_offset AS "offset"
FROM spans
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT AND messaging_offset IS NOT NULL
  AND messaging_offset IN (SELECT unnest($wanted::BIGINT[]))
