-- The messages of a window that say what they are, from the edges of its spans.
INSERT INTO edge_contracts BY NAME
SELECT minute, source, target, protocol, flow, part, event_type, version, sum(calls)::BIGINT AS calls,
       sum(errors)::BIGINT AS errors
FROM edge_counts
WHERE event_type IS NOT NULL OR version IS NOT NULL
GROUP BY ALL
