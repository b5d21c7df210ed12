-- The traces that enter the system in some commits, each by the span at which it does: its root; or, if the root was
-- lost, its first span if that serves a request or a message. Of each kind of trace in an hour the first ones, because
-- what arrives together is read together; or those that are drawn by their random ids, because a file may have the newest
-- ones first. A trace that follows from a message of another trace is no candidate.
WITH roots AS (
    SELECT resource_id, name, count(*) AS many,
           arg_min(rowid, CASE WHEN $drawn THEN hash(trace_lo) ELSE rowid::UBIGINT END, $most) AS rows
    FROM spans
    WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT AND parent_id = 0
      AND start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
    GROUP BY resource_id, name, epoch_ns(start) // 3_600_000_000_000
),
-- The root of a trace may be in an earlier or a later commit, with which the trace is counted.
lost AS (
    SELECT arg_min(rowid, start) AS row
    FROM spans
    WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT AND parent_id <> 0
      AND start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
      AND trace_lo NOT IN (
          SELECT trace_lo FROM spans WHERE arrival BETWEEN $near::UBIGINT AND $after::UBIGINT AND parent_id = 0
      )
    GROUP BY trace_lo
    HAVING arg_min(kind, start) IN (2, 5)
    ORDER BY CASE WHEN $drawn THEN hash(trace_lo) ELSE row::UBIGINT END
    LIMIT $most
),
chosen AS MATERIALIZED (
    (SELECT unnest(rows) AS row, many FROM roots ORDER BY generate_subscripts(rows, 1), row LIMIT $limit)
    UNION ALL
    SELECT row, count(*) OVER () FROM lost
),
entries AS MATERIALIZED (
    SELECT s.*, c.row, c.many
    FROM chosen c
    JOIN (
        SELECT rowid, trace_hi, trace_lo, span_id, start, kind, resource_id, name, messaging_operation AS operation
        FROM spans
    ) s ON s.rowid = c.row
    WHERE coalesce(operation NOT IN ('receive', 'poll', 'settle', 'commit', 'ack'), true)
),
linking AS (
    SELECT trace_lo, span_id FROM span_links
    WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
      AND trace_lo IN (SELECT trace_lo FROM entries WHERE kind = 5 OR operation = 'process')
),
sizes AS (
    SELECT trace_lo, count(*) AS spans FROM spans
    WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT AND trace_lo IN (SELECT trace_lo FROM entries)
    GROUP BY trace_lo
)
SELECT trace_hi, e.trace_lo, z.spans, epoch_ns(start) AS start, r.namespace, r.service,
       regexp_replace(e.name, '/[^/]*[0-9][^/]*', '/{}', 'g') AS name, many
FROM entries e
JOIN resources r USING (resource_id)
JOIN sizes z ON z.trace_lo = e.trace_lo
ANTI JOIN linking l ON l.trace_lo = e.trace_lo AND l.span_id = e.span_id
ORDER BY CASE WHEN $drawn THEN hash(e.trace_lo) ELSE row::UBIGINT END
