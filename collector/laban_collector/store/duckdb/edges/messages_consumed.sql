-- Consumed messages: topic → group with the time in the queue, and group → service with the processing time. Topic →
-- service if the group is unknown. A batch with two links counts as two.
INSERT INTO edge_counts BY NAME
WITH consuming AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, parent_id, kind, start, duration, status, arrival,
           messaging_destination AS topic, messaging_group, coalesce(messaging_system, 'messaging') AS protocol,
           greatest(coalesce(messaging_batch_count, 1), 1) AS batch,
           coalesce(messaging_operation, 'process') <> 'process' AS receiving, service
    FROM edge_scope
    WHERE (old OR $all) AND messaging_destination IS NOT NULL
      AND (kind = 5 OR (kind <> 4 AND messaging_operation IN ('receive', 'process')))
),
producers AS (FROM edge_producers WHERE old OR $all),
-- The producer that each consumer names.
by_parent AS MATERIALIZED (
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.kind, 'parent' AS evidence, p.from_span, p.sent, p.published
    FROM consuming c
    JOIN producers p ON p.from_span = c.parent_id AND p.from_lo = c.trace_lo AND p.from_hi = c.trace_hi
),
by_link AS (
    SELECT l.trace_hi, l.trace_lo, l.span_id, c.kind, 'link' AS evidence, l.from_span, p.sent, p.published
    FROM edge_links l
    JOIN consuming c USING (trace_lo, trace_hi, span_id)
    JOIN producers p USING (from_lo, from_hi, from_span)
),
sources AS MATERIALIZED (
    FROM by_parent
    UNION ALL
    FROM by_link ANTI JOIN by_parent USING (trace_hi, trace_lo, span_id, from_span)
),
-- Without a producer, the instrumentation may have recorded the time in the queue; attributes are read only for these.
alone AS MATERIALIZED (
    SELECT arrival, trace_hi, trace_lo, span_id, kind
    FROM consuming ANTI JOIN sources USING (trace_hi, trace_lo, span_id, kind)
),
noted AS (
    SELECT s.trace_hi, s.trace_lo, s.span_id, s.kind,
           try_cast(json_extract_string(s.attributes, $queue_time) AS DOUBLE) * 1e6 AS wait
    FROM spans s SEMI JOIN alone USING (arrival, trace_hi, trace_lo, span_id, kind)
    WHERE s.messaging_destination IS NOT NULL
),
-- A consumer may name the queue while the producer names the exchange; in Kafka both are the topic.
messages AS MATERIALIZED (
    SELECT c.* REPLACE (CASE c.protocol WHEN 'kafka' THEN topic ELSE coalesce(f.published, topic) END AS topic),
           coalesce(f.evidence, 'attribute') AS evidence,
           CASE WHEN f.evidence IS NULL THEN c.batch ELSE 1 END AS calls,
           coalesce(greatest(epoch_ns(c.start) - epoch_ns(f.sent), 0), n.wait)::BIGINT AS wait
    FROM consuming c
    LEFT JOIN sources f USING (trace_hi, trace_lo, span_id, kind)
    LEFT JOIN noted n USING (trace_hi, trace_lo, span_id, kind)
),
edges AS (
    SELECT start, 'topic:' || topic AS source,
           CASE WHEN messaging_group IS NULL THEN 'service:' || service ELSE 'group:' || messaging_group END AS target,
           protocol, evidence, service || ' ' || topic AS consumer, receiving, calls, status = 2 AS failed,
           wait AS latency
    FROM messages
    UNION ALL
    SELECT start, 'group:' || messaging_group, 'service:' || service, protocol, evidence, service || ' ' || topic,
           receiving, calls, status = 2, duration
    FROM messages WHERE messaging_group IS NOT NULL
)
SELECT epoch_ns(start) // 60_000_000_000 AS minute, source, target, protocol, evidence, consumer, receiving,
       floor(ln(greatest(latency, 1)) * 32)::SMALLINT AS bucket,
       CASE WHEN $all THEN sum(calls) ELSE -sum(calls) END::BIGINT AS calls,
       CASE WHEN $all THEN count_if(failed) ELSE -count_if(failed) END AS errors,
       CASE WHEN $all THEN count(latency) ELSE -count(latency) END AS timed,
       CASE WHEN $all THEN sum(latency) ELSE -sum(latency) END::BIGINT AS elapsed
FROM edges
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
GROUP BY ALL
