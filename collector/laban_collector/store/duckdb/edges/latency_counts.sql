-- The durations of calls, and the times that messages waited in a topic, over time. What counts is as in edges.sql.
CREATE TEMP TABLE latency_counts AS
WITH flows AS (
    SELECT flow, bool_or(part = 'process') AS processing FROM latency_facts WHERE flow IS NOT NULL GROUP BY flow
),
named AS (
    SELECT f.* REPLACE (coalesce(s.name, f.source) AS source, coalesce(t.name, f.target) AS target)
    FROM latency_facts f
    LEFT JOIN edge_names t
      ON t.node = f.target AND t.address IS NOT DISTINCT FROM f.address
         AND t.rpc_service IS NOT DISTINCT FROM f.rpc_service
    LEFT JOIN (FROM edge_names WHERE address IS NULL AND rpc_service IS NULL) s ON s.node = f.source
    LEFT JOIN flows USING (flow)
    WHERE NOT (part IS NOT DISTINCT FROM 'receive' AND processing)
)
SELECT minute * 60_000_000_000 AS time, bucket, calls, errors, timed, elapsed,
       source[strpos(source, ':') + 1:] || ' → ' || target[strpos(target, ':') + 1:] AS name
FROM named
WHERE CASE WHEN is_async THEN starts_with(source, 'topic:')
           ELSE starts_with(source, 'service:') AND split_part(target, ':', 1) IN ('service', 'database', 'external')
      END
