-- The first messages of some ranges that were published and that a group has not processed, one row each; `known` and
-- `processed` count all messages of the range with a span.
WITH wanted AS (
    SELECT unnest($groups::VARCHAR[]) AS "group", unnest($topics::VARCHAR[]) AS topic,
           unnest($partitions::BIGINT[]) AS partition, unnest($firsts::BIGINT[]) AS first, unnest($ends::BIGINT[]) AS "end"
),
used AS (
    SELECT w.group, w.topic, w.partition, s.messaging_offset AS "offset", s.start, s.kind, s.messaging_operation,
           s.messaging_group, s.messaging_key AS message_key, s.trace_hi, s.trace_lo, s.resource_id, s.attributes
    FROM spans s
    JOIN wanted w ON s.messaging_destination = w.topic AND s.messaging_partition = w.partition
                     AND s.messaging_offset >= w.first AND s.messaging_offset < w.end
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
      AND s.messaging_offset >= $least AND s.messaging_offset < $most
),
done AS (
    SELECT DISTINCT u.group, topic, partition, "offset"
    FROM used u
    WHERE kind = 5 AND messaging_group = u.group AND coalesce(messaging_operation, 'process') = 'process'
),
sent AS (
    SELECT u.*, d.offset IS NOT NULL AS processed
    FROM used u LEFT JOIN done d USING ("group", topic, partition, "offset")
    WHERE kind = 4 OR (kind = 3 AND messaging_operation IN ('send', 'publish'))
    QUALIFY row_number() OVER (PARTITION BY u.group, topic, partition, u.offset ORDER BY u.start) = 1
),
placed AS (
    SELECT *, count(*) OVER places AS known, count_if(processed) OVER places AS processed_of_known,
           row_number() OVER (PARTITION BY "group", topic, partition ORDER BY processed, "offset") AS place
    FROM sent
    WINDOW places AS (PARTITION BY "group", topic, partition)
)
SELECT "group", topic, partition, "offset", epoch_ns(p.start) AS start, r.service, message_key, trace_hi, trace_lo,
       p.attributes, processed, known, processed_of_known
FROM placed p JOIN resources r USING (resource_id)
WHERE place <= $limit
ORDER BY "group", topic, partition, place
