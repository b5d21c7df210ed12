-- Consumed messages: topic → group with the time in the queue, and group → service with the processing time. Topic →
-- service if the group is unknown; service → service if the topic is unknown. A batch with two links counts as two.
INSERT INTO edge_counts BY NAME
WITH producers AS (
    SELECT p.*, coalesce(f.trace_hi, p.from_hi) AS trace_hi
    FROM edge_producers p
    LEFT JOIN edge_forms f ON f.short = p.from_hi AND f.trace_lo = p.from_lo
    WHERE old OR $all
),
spans_consuming AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, parent_id, kind, start, duration, failed, arrival,
           messaging_destination AS topic, messaging_group, messaging_system AS system,
           greatest(coalesce(messaging_batch_count, 1), 1) AS batch,
           messaging_operation IS NOT DISTINCT FROM 'receive' AS receiving, service, peer_service,
           event_type, version
    FROM edge_traced
    WHERE role = 4 AND messaging_batch_count IS DISTINCT FROM 0
),
-- Messages that are delivered by a call: a server span, or a span of another service, directly below the producer.
pushed AS MATERIALIZED (
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.parent_id, c.kind, c.start, c.duration,
           c.call_failed AS failed, c.arrival, c.upper_topic AS topic,
           c.messaging_group, c.upper_system AS system, 1 AS batch, false AS receiving, c.service, NULL AS peer_service,
           c.upper_event_type AS event_type, c.upper_version AS version
    FROM edge_related c
    ANTI JOIN spans_consuming k
      ON k.trace_lo = c.trace_lo AND k.trace_hi = c.trace_hi AND k.service = c.service
         AND (k.parent_id = c.parent_id OR k.span_id = c.parent_id)
    WHERE c.upper_role = 3 AND c.role <> 4 AND (c.role = 1 OR c.service <> c.upper_service)
    QUALIFY c.role = 1 OR row_number() OVER (
        PARTITION BY c.trace_lo, c.trace_hi, c.parent_id, c.service ORDER BY c.role = 1 DESC, c.start, c.span_id, c.kind
    ) = 1
),
-- What is directly above a consumer, if it does not publish.
above AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, kind, messaging_operation IS NOT DISTINCT FROM 'receive' AS receiving,
           messaging_destination AS topic, service, upper_id, upper_kind, upper_role, upper_service, upper_topic,
           upper_group, upper_system, upper_event_type, upper_version,
           upper_role = 2 AND coalesce(upper_system, upper_topic) IS NULL AS upper_calls
    FROM edge_related
    WHERE role = 4 AND upper_role <> 3
    -- Two halves of one id: the inner one.
    QUALIFY row_number() OVER (
        PARTITION BY trace_hi, trace_lo, span_id, kind ORDER BY upper_service = service DESC, upper_role % 2 DESC, upper_role
    ) = 1
),
-- A process span below a receive span of its service is the consumption; it takes what it does not say from above.
layers AS MATERIALIZED (
    FROM above
    WHERE upper_role = 4 AND NOT receiving AND upper_service = service AND coalesce(upper_topic = topic, true)
),
consuming AS MATERIALIZED (
    SELECT c.* REPLACE (coalesce(c.topic, l.upper_topic) AS topic,
                        coalesce(c.messaging_group, l.upper_group) AS messaging_group,
                        coalesce(c.system, l.upper_system) AS system,
                        coalesce(c.event_type, l.upper_event_type) AS event_type,
                        coalesce(c.version, l.upper_version) AS version)
    FROM (FROM spans_consuming UNION ALL FROM pushed) c
    LEFT JOIN layers l USING (trace_hi, trace_lo, span_id, kind)
    ANTI JOIN (SELECT trace_hi, trace_lo, upper_id AS span_id, upper_kind AS kind FROM layers) u
        ON u.trace_lo = c.trace_lo AND u.trace_hi = c.trace_hi AND u.span_id = c.span_id AND u.kind = c.kind
    -- A consumer without any word of messages, directly below a client of another service, was called: see calls.sql.
    ANTI JOIN (FROM above WHERE upper_calls AND upper_service <> service) a
        ON a.trace_lo = c.trace_lo AND a.trace_hi = c.trace_hi AND a.span_id = c.span_id AND a.kind = c.kind
           AND coalesce(c.topic, c.system, c.messaging_group) IS NULL
),
-- The producers that the spans name: the parent, the other half of a shared span, links.
named AS MATERIALIZED (
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.kind, 'parent' AS evidence, p.from_hi, p.from_lo, p.from_span, p.sent,
           p.published, p.sender, p.system, p.event_type, p.version
    FROM (FROM spans_consuming UNION ALL FROM pushed) c
    JOIN producers p ON p.from_span = c.parent_id AND p.from_lo = c.trace_lo AND p.trace_hi = c.trace_hi
    UNION ALL
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.kind, 'parent', p.from_hi, p.from_lo, p.from_span, p.sent, p.published,
           p.sender, p.system, p.event_type, p.version
    FROM spans_consuming c
    JOIN producers p ON p.from_span = c.span_id AND p.from_lo = c.trace_lo AND p.trace_hi = c.trace_hi
    UNION ALL
    SELECT c.trace_hi, c.trace_lo, c.span_id, c.kind, 'link', p.from_hi, p.from_lo, p.from_span, p.sent, p.published,
           p.sender, p.system, p.event_type, p.version
    FROM edge_links l
    JOIN spans_consuming c
      ON c.trace_lo = l.trace_lo AND c.span_id = l.span_id AND c.arrival = l.arrival
    JOIN producers p USING (from_lo, from_hi, from_span)
),
-- The producer of the only message of the receive span above.
inherited AS (
    SELECT l.trace_hi, l.trace_lo, l.span_id, l.kind, any_value(n.evidence) AS evidence, any_value(n.from_hi) AS from_hi,
           any_value(n.from_lo) AS from_lo, any_value(n.from_span) AS from_span, any_value(n.sent) AS sent,
           any_value(n.published) AS published, any_value(n.sender) AS sender, any_value(n.system) AS system,
           any_value(n.event_type) AS event_type, any_value(n.version) AS version
    FROM layers l
    JOIN named n
      ON n.trace_lo = l.trace_lo AND n.trace_hi = l.trace_hi AND n.span_id = l.upper_id AND n.kind = l.upper_kind
    GROUP BY ALL
    HAVING count(*) = 1
),
sources AS MATERIALIZED (
    FROM named
    UNION ALL
    FROM inherited ANTI JOIN named USING (trace_hi, trace_lo, span_id, kind)
),
-- Without a producer, the instrumentation may have recorded the time in the queue; attributes are read only for these.
alone AS MATERIALIZED (
    SELECT arrival, trace_lo, span_id, kind
    FROM consuming ANTI JOIN sources USING (trace_hi, trace_lo, span_id, kind)
),
noted AS (
    SELECT s.arrival, s.trace_lo, s.span_id, s.kind,
           try_cast(json_extract_string(s.attributes, $queue_time) AS DOUBLE) * 1e6 AS wait
    FROM spans s SEMI JOIN alone USING (arrival, trace_lo, span_id, kind)
    WHERE s.messaging_destination IS NOT NULL
),
-- A consumer may name the queue while the producer names the exchange: the queue is the group. In Kafka both are the
-- topic. A message that was consumed before it was sent shows that clocks differ: its time in the queue is unknown.
-- A consumer that does not say what the message is consumed what the producer says it is.
messages AS MATERIALIZED (
    SELECT c.start, c.service,
           CASE WHEN c.messaging_group IS NULL AND coalesce(c.system, f.system, '') <> 'kafka' AND c.topic <> f.published
                THEN c.topic ELSE c.messaging_group END AS messaging_group,
           c.failed, c.duration, c.receiving, coalesce(c.event_type, f.event_type) AS event_type,
           coalesce(c.version, CASE WHEN c.event_type IS NULL OR c.event_type = f.event_type THEN f.version END) AS version,
           coalesce(c.system, f.system, 'messaging') AS protocol,
           CASE WHEN coalesce(c.system, f.system) = 'kafka' THEN coalesce(c.topic, f.published)
                ELSE coalesce(f.published, c.topic) END AS topic,
           coalesce(f.evidence, 'attribute') AS evidence,
           CASE WHEN f.evidence IS NULL THEN c.batch ELSE 1 END AS calls,
           coalesce(CASE WHEN f.sent <= c.start THEN epoch_ns(c.start) - epoch_ns(f.sent) END, n.wait)::BIGINT AS wait,
           -- Who sent it, if no span of the producer says so.
           CASE WHEN f.evidence IS NOT NULL THEN 'service:' || f.sender
                WHEN a.upper_service <> c.service THEN 'service:' || a.upper_service
                WHEN a.upper_service IS NOT NULL THEN NULL
                WHEN c.peer_service <> c.service AND lower(c.peer_service) <> lower(coalesce(c.system, ''))
                    THEN 'external:' || c.peer_service
                ELSE 'unseen:callers'
           END AS sender,
           f.evidence IS NULL AND a.upper_service <> c.service AS under_sender,
           f.evidence IS NOT NULL AND f.published IS NULL AS without_topic
    FROM consuming c
    LEFT JOIN sources f USING (trace_hi, trace_lo, span_id, kind)
    LEFT JOIN noted n ON n.arrival = c.arrival AND n.trace_lo = c.trace_lo AND n.span_id = c.span_id AND n.kind = c.kind
    LEFT JOIN above a
      ON a.trace_lo = c.trace_lo AND a.trace_hi = c.trace_hi AND a.span_id = c.span_id AND a.kind = c.kind
),
edges AS (
    SELECT start, 'topic:' || topic AS source,
           CASE WHEN messaging_group IS NULL THEN 'service:' || service ELSE 'group:' || messaging_group END AS target,
           protocol, evidence, calls, failed, wait AS latency, service, topic, receiving, event_type, version, '' AS what
    FROM messages WHERE topic IS NOT NULL
    UNION ALL
    SELECT start, 'group:' || messaging_group, 'service:' || service, protocol, evidence, calls, failed, duration,
           service, topic, receiving, event_type, version, ''
    FROM messages WHERE topic IS NOT NULL AND messaging_group IS NOT NULL
    UNION ALL
    -- The sender has no span that publishes, or its span does not name the topic.
    SELECT start, sender, 'topic:' || topic, protocol, CASE WHEN under_sender THEN 'parent' ELSE evidence END, calls,
           false, NULL, service, topic, receiving, event_type, version, ''
    FROM messages
    WHERE topic IS NOT NULL AND coalesce(without_topic OR under_sender OR starts_with(sender, 'external:'), false)
    UNION ALL
    SELECT start, sender, 'service:' || service, protocol, CASE WHEN under_sender THEN 'parent' ELSE evidence END, calls,
           failed, wait, service, '', receiving, event_type, version, ''
    FROM messages WHERE topic IS NULL AND sender IS NOT NULL
    UNION ALL
    -- From the sender, or else the topic, to the consumer, for the totals of metrics only: the time in the queue, and the
    -- time of processing; the bucket is the bound of a histogram.
    SELECT start, coalesce(nullif(sender, 'unseen:callers'), 'topic:' || topic), 'service:' || service, protocol, evidence,
           calls, failed, wait, service, topic, receiving, NULL, NULL, 'delivered '
    FROM messages WHERE $totals AND topic IS NOT NULL
    UNION ALL
    SELECT start, coalesce(nullif(sender, 'unseen:callers'), 'topic:' || topic, sender), 'service:' || service, protocol, evidence,
           0, false, duration, service, topic, receiving, NULL, NULL, 'handled '
    FROM messages WHERE $totals AND coalesce(topic, sender) IS NOT NULL
)
SELECT epoch_ns(start) // 60_000_000_000 AS minute, source, target, protocol, evidence,
       'consumed by ' || service || ' ' || coalesce(topic, '') AS flow,
       what || CASE WHEN receiving THEN 'receive' ELSE 'process' END AS part,
       event_type, version, true AS is_async,
       CASE WHEN what = '' THEN floor(ln(greatest(latency, 1)) * 32)::SMALLINT
            ELSE list_extract($bounds::SMALLINT[], floor(ln(greatest(latency, 1)) * 32)::SMALLINT + 1) END AS bucket,
       CASE WHEN $all THEN sum(calls) ELSE -sum(calls) END::BIGINT AS calls,
       CASE WHEN $all THEN count_if(failed) ELSE -count_if(failed) END AS errors,
       CASE WHEN $all THEN count(latency) ELSE -count(latency) END AS timed,
       CASE WHEN $all THEN sum(latency) ELSE -sum(latency) END::BIGINT AS elapsed
FROM edges
WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
GROUP BY ALL
