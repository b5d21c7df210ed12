-- The event types and versions of messages by edge, the most frequent first; the others become one. What counts is as in
-- edges.sql.
WITH minutes AS (
    SELECT minute, source, target, coalesce(nullif(protocol, ''), 'other') AS protocol, flow, part, event_type, version,
           sum(calls) AS calls, sum(errors) AS errors
    FROM edge_contracts
    GROUP BY ALL
    HAVING sum(calls) > 0
),
facts AS MATERIALIZED (
    SELECT source, target, protocol, flow, part, event_type, version, sum(calls) AS calls, sum(errors) AS errors,
           min(minute) AS first, max(minute) AS last
    FROM minutes
    GROUP BY ALL
),
flows AS (
    SELECT flow, bool_or(part = 'process') AS processing, bool_or(part = 'create') AS creating,
           bool_or(part = 'send') AS sending, bool_or(part = 'client send') AS sending_batches
    FROM facts
    GROUP BY flow
),
parts AS (
    SELECT f.*,
           CASE part WHEN 'receive' THEN NOT processing
                     WHEN 'create' THEN sending_batches OR NOT sending
                     WHEN 'client send' THEN NOT creating AND NOT sending
                     ELSE true END AS counts,
           CASE part WHEN 'receive' THEN NOT processing
                     WHEN 'create' THEN NOT sending_batches AND NOT sending
                     ELSE true END AS tells
    FROM facts f
    LEFT JOIN flows USING (flow)
),
contracts AS (
    SELECT coalesce(s.name, source) AS source, coalesce(t.name, target) AS target, protocol, event_type, version,
           sum(calls) FILTER (counts) AS calls, coalesce(sum(errors) FILTER (tells), 0) AS errors,
           min(first) FILTER (counts) AS first, max(last) FILTER (counts) AS last
    FROM parts
    LEFT JOIN (FROM edge_names WHERE address IS NULL AND rpc_service IS NULL) s ON s.node = source
    LEFT JOIN (FROM edge_names WHERE address IS NULL AND rpc_service IS NULL) t ON t.node = target
    GROUP BY ALL
    HAVING sum(calls) FILTER (counts) > 0
),
ranked AS (
    SELECT *, row_number() OVER (
        PARTITION BY source, target, protocol
        ORDER BY event_type IS NOT DISTINCT FROM $other, calls DESC, event_type, version
    ) > $most AS is_other
    FROM contracts
)
SELECT source, target, protocol, CASE WHEN is_other THEN $other ELSE event_type END AS event_type,
       CASE WHEN NOT is_other THEN version END AS version, sum(calls)::BIGINT AS calls,
       least(sum(errors), sum(calls))::BIGINT AS errors, (min(first) * 60_000_000_000)::BIGINT AS first,
       (max(last) * 60_000_000_000)::BIGINT AS last
FROM ranked
GROUP BY source, target, protocol, CASE WHEN is_other THEN $other ELSE event_type END,
         CASE WHEN NOT is_other THEN version END
ORDER BY source, target, protocol, calls DESC, event_type, version
