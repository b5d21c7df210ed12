-- Published messages: service → topic. A batch counts its messages. Without a destination, service → messaging system.
-- edges.sql decides which parts of a flow count, because a batch has spans for its messages and for the sending.
INSERT INTO edge_counts BY NAME
WITH sent AS (
    SELECT trace_hi, trace_lo, span_id, start, service, messaging_destination AS topic,
           coalesce(messaging_system, 'messaging') AS protocol, messaging_batch_count AS batch, duration, failed,
           event_type, version,
           CASE WHEN messaging_operation = 'create' THEN 'create' WHEN kind = 3 THEN 'client send' ELSE 'send' END AS part
    FROM edge_traced
    WHERE role = 3
),
-- Two layers of a service that publish the same message: the inner one counts.
layers AS (
    SELECT trace_hi, trace_lo, upper_id, upper_topic, upper_event_type, upper_version, span_id
    FROM edge_related
    WHERE role = 3 AND upper_role = 3 AND service = upper_service AND span_id <> upper_id
      AND coalesce(messaging_operation <> 'create', true) AND coalesce(upper_operation <> 'create', true)
      AND coalesce(messaging_destination = upper_topic, true)
),
counted AS (
    SELECT s.* REPLACE (coalesce(s.topic, l.upper_topic) AS topic,
                        coalesce(s.event_type, l.upper_event_type) AS event_type,
                        coalesce(s.version, l.upper_version) AS version)
    FROM sent s
    LEFT JOIN (
        SELECT trace_hi, trace_lo, span_id, any_value(upper_topic) AS upper_topic,
               min(upper_event_type) AS upper_event_type, min(upper_version) AS upper_version
        FROM layers
        GROUP BY ALL
    ) l USING (trace_hi, trace_lo, span_id)
    ANTI JOIN layers o ON o.trace_lo = s.trace_lo AND o.upper_id = s.span_id AND o.trace_hi = s.trace_hi
),
edges AS (
    SELECT start, 'service:' || service AS source,
           CASE WHEN topic IS NULL THEN 'external:' || protocol ELSE 'topic:' || topic END AS target, protocol,
           'sent by ' || service || ' ' || coalesce(topic, '') AS flow, part,
           greatest(coalesce(batch, 1), 1) AS messages, duration, failed, event_type, version
    FROM counted
)
SELECT epoch_ns(start) // 60_000_000_000 AS minute, source, target, protocol, 'attribute' AS evidence, flow, part,
       event_type, version, true AS is_async, floor(ln(greatest(duration, 1)) * 32)::SMALLINT AS bucket,
       CASE WHEN $all THEN sum(messages) ELSE -sum(messages) END::BIGINT AS calls,
       CASE WHEN $all THEN count_if(failed) ELSE -count_if(failed) END AS errors,
       CASE WHEN $all THEN count(*) ELSE -count(*) END AS timed,
       CASE WHEN $all THEN sum(duration) ELSE -sum(duration) END::BIGINT AS elapsed
FROM edges
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
GROUP BY ALL
