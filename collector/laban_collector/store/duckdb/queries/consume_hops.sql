-- Messages taken up in a window: topic → group with the time in the queue, and group → service with the
-- time of processing. Where no group is known, topic → service.
-- A receive and a process span of one message count one; a batch with two links counts two.
WITH consuming AS (
    SELECT s.trace_hi, s.trace_lo, s.span_id, s.parent_id, s.start, s.duration, s.status,
           s.messaging_destination AS topic, s.messaging_group, s.messaging_partition, s.messaging_offset,
           coalesce(s.messaging_system, 'messaging') AS protocol,
           greatest(coalesce(s.messaging_batch_count, 1), 1) AS batch,
           try_cast(json_extract_string(s.attributes, '$."laban.kafka.queue_time_ms"') AS DOUBLE) * 1e6
               AS recorded_wait,
           coalesce(s.messaging_operation, 'process') = 'process' AS processing,
           r.service
    FROM spans s JOIN resources r USING (resource_id)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
      AND s.messaging_destination IS NOT NULL
      AND (s.kind = 5 OR (s.kind <> 4 AND s.messaging_operation IN ('receive', 'process')))
),
-- A message may have waited long: its producer is looked for as far back as it is kept.
producers AS (
    SELECT trace_hi, trace_lo, span_id, start FROM spans
    WHERE kind = 4 AND start < make_timestamp_ns($until)
),
by_parent AS (
    SELECT c.trace_hi, c.trace_lo, c.span_id, p.trace_lo AS from_trace, p.span_id AS from_span, p.start AS sent
    FROM consuming c
    JOIN producers p
      ON p.span_id = c.parent_id AND p.trace_lo = c.trace_lo AND p.trace_hi = c.trace_hi
),
by_link AS (
    SELECT c.trace_hi, c.trace_lo, c.span_id, p.trace_lo AS from_trace, p.span_id AS from_span, p.start AS sent
    FROM consuming c
    JOIN span_links l USING (trace_hi, trace_lo, span_id)
    JOIN producers p
      ON p.span_id = l.linked_span_id AND p.trace_lo = l.linked_trace_lo AND p.trace_hi = l.linked_trace_hi
),
sources AS (
    SELECT *, 'parent' AS evidence FROM by_parent
    UNION ALL
    SELECT l.*, 'link' FROM by_link l ANTI JOIN by_parent p USING (trace_hi, trace_lo, span_id, from_span)
),
messages AS (
    SELECT c.*, f.evidence, f.sent,
           coalesce(f.from_trace || '/' || f.from_span,
                    c.messaging_partition || '@' || c.messaging_offset,
                    c.trace_lo || '/' || c.span_id) AS message
    FROM consuming c LEFT JOIN sources f USING (trace_hi, trace_lo, span_id)
),
counted AS (
    SELECT *, CASE WHEN evidence IS NULL THEN batch ELSE 1 END AS calls,
           coalesce(greatest(epoch_ns(start) - epoch_ns(sent), 0), recorded_wait) AS wait
    FROM messages
    QUALIFY processing OR NOT bool_or(processing) OVER (PARTITION BY service, topic, message)
),
hops AS (
    SELECT 'topic:' || topic AS source,
           CASE WHEN messaging_group IS NULL THEN 'service:' || service ELSE 'group:' || messaging_group END
               AS target,
           protocol, calls, status = 2 AS failed, wait AS elapsed, evidence
    FROM counted
    UNION ALL
    SELECT 'group:' || messaging_group, 'service:' || service, protocol, calls, status = 2, duration, evidence
    FROM counted WHERE messaging_group IS NOT NULL
)
SELECT source, target, protocol, sum(calls)::BIGINT AS calls, count_if(failed) AS errors,
       quantile_cont(elapsed, [0.5, 0.95, 0.99]) AS quantiles,
       coalesce(sum(calls) FILTER (evidence = 'parent'), 0)::BIGINT AS by_parent,
       coalesce(sum(calls) FILTER (evidence = 'link'), 0)::BIGINT AS by_link,
       coalesce(sum(calls) FILTER (evidence IS NULL), 0)::BIGINT AS by_attribute
FROM hops
GROUP BY source, target, protocol
ORDER BY source, target, protocol
