-- The durations of the operations of each service over time.
CREATE TEMP TABLE latency_counts AS
WITH answered AS (
    -- A stream is a call, but it lasts as long as its client listens: its duration is not a latency.
    SELECT s.* EXCLUDE (attributes),
           CASE WHEN s.rpc_system IS NOT NULL AND contains(s.attributes, $streaming) THEN NULL
                ELSE s.duration END AS latency
    FROM spans s
    WHERE s.start >= make_timestamp_ns($since) AND s.start < make_timestamp_ns($until) AND s.kind IN (2, 5)
)
SELECT epoch_ns(s.start) // $slot * $slot AS time,
       coalesce(r.namespace || '/', '') || r.service || '  ' || CASE
           WHEN s.rpc_method IS NOT NULL THEN coalesce(s.rpc_service || '/', '') || s.rpc_method
           WHEN s.http_method IS NOT NULL THEN s.http_method || ' ' || coalesce(s.http_route, s.name)
           WHEN s.messaging_destination IS NOT NULL THEN 'process ' || s.messaging_destination
           ELSE s.name END AS name,
       floor(ln(greatest(s.latency, 1)) * 32)::SMALLINT AS bucket, count(*) AS calls,
       count_if(s.status = 2 OR coalesce(s.http_status, 0) >= 500) AS errors,
       count(s.latency) AS timed, sum(s.latency)::DOUBLE AS elapsed
FROM answered s JOIN resources r USING (resource_id)
GROUP BY ALL
