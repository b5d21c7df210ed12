-- The digest of a range of commits, with its consumer groups and their topics, and the last spans of its services.
INSERT INTO digests BY NAME
SELECT $first::UBIGINT AS first_arrival, $last::UBIGINT AS last_arrival, $filter::BLOB AS filter,
       (
           SELECT coalesce(list(consumer ORDER BY consumer), [])
           FROM (
               SELECT DISTINCT {
                   topic: s.messaging_destination, consumer_group: s.messaging_group, service: r.service
               } AS consumer
               FROM spans s JOIN resources r USING (resource_id)
               WHERE s.arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
                 AND s.kind = 5 AND s.messaging_group IS NOT NULL AND s.messaging_destination IS NOT NULL
           )
       ) AS consumers,
       CASE WHEN $few THEN (
           SELECT coalesce(list({service: service, namespace: namespace, last: ended}), [])
           FROM (
               SELECT unnest($services::VARCHAR[]) AS service, unnest($namespaces::VARCHAR[]) AS namespace,
                      unnest($ends::BIGINT[]) AS ended
           )
       ) END AS last_spans
