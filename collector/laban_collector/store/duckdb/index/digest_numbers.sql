-- The numbers that queries may look for in a range of commits: traces, linked traces, and messages (see digests.py).
SELECT DISTINCT key FROM (
    SELECT trace_lo AS key FROM spans WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
    UNION ALL
    SELECT trace_lo FROM span_events WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
    UNION ALL
    SELECT unnest([trace_lo, xor(linked_trace_lo, $linked::UBIGINT)])
    FROM span_links WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
    UNION ALL
    -- Masked, because senders may send any number: a shift must not overflow, and a UBIGINT has no sign.
    SELECT xor(
        xor((messaging_partition & 32767) << 48, messaging_offset & 9223372036854775807)::UBIGINT,
        $message::UBIGINT
    )
    FROM spans
    WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
      AND messaging_partition IS NOT NULL AND messaging_offset IS NOT NULL
)
