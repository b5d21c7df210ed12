-- The traces that enter the system in some commits, each with the span at which it does: its root; or, if the root was
-- lost, its first span if that serves a request or a message. A trace that follows from a message of another one is no
-- candidate. Of each kind of trace, the first ones, because what arrives together is read together.
WITH traces AS (
    SELECT trace_lo, count(*) AS spans, arg_min(rowid, start) FILTER (WHERE parent_id = 0) AS root,
           arg_min(rowid, start) AS earliest
    FROM spans
    WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
    GROUP BY trace_lo
),
entries AS MATERIALIZED (
    SELECT s.*, t.spans, t.root IS NOT NULL AS rooted
    FROM traces t
    JOIN (
        SELECT rowid AS row, trace_hi, trace_lo, span_id, start, kind, resource_id, name, arrival, messaging_operation
        FROM spans
        WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
    ) s ON s.row = coalesce(t.root, t.earliest)
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until)
      AND (t.root IS NOT NULL OR s.kind IN (2, 5))
      AND coalesce(s.messaging_operation NOT IN ('receive', 'poll', 'settle', 'commit', 'ack'), true)
),
-- The root may have come in an earlier or a later commit, which counts the trace.
elsewhere AS (
    SELECT trace_lo FROM spans
    WHERE arrival BETWEEN $near::UBIGINT AND $newest::UBIGINT AND parent_id = 0
      AND trace_lo IN (SELECT trace_lo FROM entries WHERE NOT rooted)
),
linking AS (
    SELECT trace_lo, span_id FROM span_links
    WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
      AND (trace_lo, span_id) IN (
          SELECT (trace_lo, span_id) FROM entries WHERE kind = 5 OR messaging_operation = 'process'
      )
),
numbered AS (
    SELECT trace_hi, e.trace_lo, e.spans, e.arrival, epoch_ns(start) AS start, r.namespace, r.service,
           regexp_replace(e.name, '/[^/]*[0-9][^/]*', '/{}', 'g') AS name,
           row_number() OVER kinds AS number,
           count(*) OVER (PARTITION BY r.namespace, r.service, regexp_replace(e.name, '/[^/]*[0-9][^/]*', '/{}', 'g')) AS many
    FROM entries e
    JOIN resources r USING (resource_id)
    ANTI JOIN elsewhere x ON x.trace_lo = e.trace_lo AND NOT e.rooted
    ANTI JOIN linking l ON l.trace_lo = e.trace_lo AND l.span_id = e.span_id
    WINDOW kinds AS (
        PARTITION BY r.namespace, r.service, regexp_replace(e.name, '/[^/]*[0-9][^/]*', '/{}', 'g')
        ORDER BY e.arrival, hash(e.trace_lo)
    )
)
SELECT trace_hi, trace_lo, spans, start, namespace, service, name, many
FROM numbered
WHERE number <= $most
ORDER BY arrival, number
LIMIT $limit
