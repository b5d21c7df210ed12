-- The digest of a range of commits, with its consumer groups and their topics.
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
       ) AS consumers
