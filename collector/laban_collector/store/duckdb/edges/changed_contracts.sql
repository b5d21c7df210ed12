-- The changes of the table `contracts`: the messages that say what they are.
SELECT minute, source, target, protocol, flow, part, event_type, version, sum(calls)::BIGINT AS calls,
       sum(errors)::BIGINT AS errors
FROM edge_changes
WHERE event_type IS NOT NULL OR version IS NOT NULL
GROUP BY ALL
HAVING sum(calls) <> 0 OR sum(errors) <> 0
