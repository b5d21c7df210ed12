-- Messages taken up in a window: topic → group with the time in the queue, and group → service with the
-- time of processing. Where no group is known, topic → service.
-- A receive and a process span of one message count one; a batch with two links counts two.
WITH consuming AS MATERIALIZED (
    SELECT s.trace_hi, s.trace_lo, s.span_id, s.parent_id, s.kind, s.start, s.duration, s.status, s.arrival,
           s.messaging_destination AS topic, s.messaging_group, s.messaging_partition, s.messaging_offset,
           coalesce(s.messaging_system, 'messaging') AS protocol,
           greatest(coalesce(s.messaging_batch_count, 1), 1) AS batch,
           coalesce(s.messaging_operation, 'process') = 'process' AS processing,
           r.service
    FROM spans s JOIN resources r USING (resource_id)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
      AND s.messaging_destination IS NOT NULL
      AND (s.kind = 5 OR (s.kind <> 4 AND s.messaging_operation IN ('receive', 'process')))
),
-- Where each says that it comes from. Links came with their span, which bounds the search.
named AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, 'parent' AS evidence,
           trace_hi AS from_hi, trace_lo AS from_trace, parent_id AS from_span
    FROM consuming WHERE parent_id <> 0
    UNION ALL
    SELECT c.trace_hi, c.trace_lo, c.span_id, 'link', l.linked_trace_hi, l.linked_trace_lo, l.linked_span_id
    FROM span_links l
    JOIN consuming c USING (arrival, trace_lo, trace_hi, span_id)
    -- Most link to their parent, too, which is looked up already.
    WHERE NOT (
        l.linked_span_id = c.parent_id AND l.linked_trace_lo = c.trace_lo AND l.linked_trace_hi = c.trace_hi
    )
),
recent AS MATERIALIZED (
    SELECT n.*, p.start AS sent
    FROM named n
    JOIN spans p ON p.span_id = n.from_span AND p.trace_lo = n.from_trace AND p.trace_hi = n.from_hi
    WHERE p.kind = 4 AND p.start < make_timestamp_ns($until)
      AND p.start >= make_timestamp_ns($since) - INTERVAL 10 MINUTE
),
-- A message may have waited long: a producer that is not among the recent ones is looked for as far back as it is
-- kept. MATERIALIZED, for few are left, and with few on the other side a join skips what cannot match.
missing AS MATERIALIZED (
    SELECT n.*
    FROM named n
    ANTI JOIN recent r USING (trace_hi, trace_lo, span_id, from_hi, from_trace, from_span)
),
older AS (
    SELECT m.*, p.start AS sent
    FROM missing m
    JOIN spans p ON p.span_id = m.from_span AND p.trace_lo = m.from_trace AND p.trace_hi = m.from_hi
    WHERE p.kind = 4 AND p.start < make_timestamp_ns($since) - INTERVAL 10 MINUTE
),
found AS MATERIALIZED (FROM recent UNION ALL FROM older),
by_parent AS (SELECT * FROM found WHERE evidence = 'parent'),
sources AS MATERIALIZED (
    FROM by_parent
    UNION ALL
    SELECT l.* FROM found l ANTI JOIN by_parent p USING (trace_hi, trace_lo, span_id, from_span)
    WHERE l.evidence = 'link'
),
-- The instrumentation may have noted how long a message waited; only of the others are attributes read.
noted AS (
    SELECT s.trace_hi, s.trace_lo, s.span_id, s.kind,
           try_cast(json_extract_string(s.attributes, '$."laban.kafka.queue_time_ms"') AS DOUBLE) * 1e6 AS wait
    FROM spans s
    SEMI JOIN (SELECT trace_hi, trace_lo, span_id FROM consuming ANTI JOIN sources USING (trace_hi, trace_lo, span_id)) AS alone
      USING (trace_hi, trace_lo, span_id)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
      AND s.messaging_destination IS NOT NULL AND s.kind <> 4
),
messages AS MATERIALIZED (
    SELECT c.*, f.evidence, f.from_trace, f.from_span,
           CASE WHEN f.evidence IS NULL THEN c.batch ELSE 1 END AS calls,
           coalesce(greatest(epoch_ns(c.start) - epoch_ns(f.sent), 0), n.wait) AS wait
    FROM consuming c
    LEFT JOIN sources f USING (trace_hi, trace_lo, span_id)
    LEFT JOIN noted n USING (trace_hi, trace_lo, span_id, kind)
),
received AS (
    SELECT *, coalesce(from_trace || '/' || from_span, messaging_partition || '@' || messaging_offset,
                       trace_lo || '/' || span_id) AS message
    FROM messages WHERE NOT processing
),
processed AS (
    SELECT DISTINCT service, topic,
           coalesce(from_trace || '/' || from_span, messaging_partition || '@' || messaging_offset,
                    trace_lo || '/' || span_id) AS message
    FROM messages
    SEMI JOIN (SELECT service, topic FROM messages WHERE NOT processing) AS receiving USING (service, topic)
    WHERE processing
),
counted AS (
    SELECT * FROM messages WHERE processing
    UNION ALL
    SELECT r.* EXCLUDE (message) FROM received r ANTI JOIN processed p USING (service, topic, message)
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
