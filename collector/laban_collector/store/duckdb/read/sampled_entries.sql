-- Some traces of each entry operation in a window, of the entries with the most traces. Which ones is decided by their
-- random ids, so it does not depend on what they look like or when they came.
-- An entry is a root. If no root of a trace was stored, it is the first span, if that serves a request or a message;
-- such traces are looked for among a share of all, because each span of a trace has to be read for that.
WITH roots AS (
    SELECT resource_id, regexp_replace(name, '/[^/]*[0-9][^/]*', '/{}', 'g') AS name, count(*) AS seen,
           min_by({'hi': trace_hi, 'lo': trace_lo, 'span': span_id, 'linking': kind = 5}, hash(trace_lo), $each) AS traces
    FROM spans
    WHERE parent_id = 0 AND start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
      AND coalesce(messaging_operation NOT IN ('receive', 'poll', 'settle', 'commit', 'ack'), true)
    GROUP BY ALL
),
share AS MATERIALIZED (
    SELECT greatest(count(*) // $share, 1)::UBIGINT AS one_of FROM spans
    WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
),
few AS MATERIALIZED (
    SELECT trace_hi, trace_lo, span_id, parent_id, start, kind, resource_id, name
    FROM spans
    WHERE hash(trace_lo) % (SELECT one_of FROM share) = 0
      AND start >= make_timestamp_ns($before) AND start < make_timestamp_ns($until)
),
lost AS (
    SELECT arg_min({'resource': resource_id, 'name': name, 'hi': trace_hi, 'lo': trace_lo, 'span': span_id}, start) AS first
    FROM few
    GROUP BY trace_lo
    HAVING min(parent_id) <> 0 AND arg_min(kind, start) IN (2, 5) AND min(start) >= make_timestamp_ns($since)
),
entries AS (
    FROM roots
    UNION ALL
    SELECT first.resource, regexp_replace(first.name, '/[^/]*[0-9][^/]*', '/{}', 'g') AS name,
           count(*) * (SELECT one_of FROM share) AS seen,
           min_by({'hi': first.hi, 'lo': first.lo, 'span': first.span, 'linking': true}, hash(first.lo), $each) AS traces
    FROM lost
    GROUP BY ALL
),
-- The replicas of a service have a resource each.
of_services AS (
    SELECT r.namespace, r.service, e.name, sum(seen)::BIGINT AS seen, flatten(list(traces)) AS traces
    FROM entries e JOIN resources r USING (resource_id)
    GROUP BY ALL
    ORDER BY seen DESC, namespace, service, name
    LIMIT 2 * $entries  -- consumers that are no entries are left out below
),
chosen AS MATERIALIZED (
    SELECT namespace, service, name, seen, trace.hi AS trace_hi, trace.lo AS trace_lo, trace.span AS span_id, trace.linking
    FROM (SELECT namespace, service, name, seen, unnest(traces) AS trace FROM of_services)
    QUALIFY row_number() OVER (PARTITION BY namespace, service, name ORDER BY hash(trace.lo), trace.hi) <= $each
),
-- A consumer that links to a message of another trace is no entry.
linking AS MATERIALIZED (
    SELECT trace_lo, span_id FROM span_links WHERE trace_lo IN (SELECT trace_lo FROM chosen WHERE linking)
)
SELECT namespace, service, name, seen, trace_hi, trace_lo
FROM chosen c
ANTI JOIN linking l ON c.linking AND l.trace_lo = c.trace_lo AND l.span_id = c.span_id
QUALIFY dense_rank() OVER (ORDER BY seen DESC, namespace, service, name) <= $entries
ORDER BY seen DESC, namespace, service, name, hash(trace_lo), trace_hi
