-- The same as callees.sql, from counted calls: by address; by RPC service if no address is known.
WITH wanted AS (
    SELECT unnest($addresses::VARCHAR[]) AS address, unnest($ports::BIGINT[]) AS port,
           unnest($rpc_services::VARCHAR[]) AS rpc_service
),
answered AS (
    SELECT address, rpc_service, target
    FROM edges
    WHERE minute >= $since AND minute < $until AND evidence = 'parent'
    GROUP BY ALL
    HAVING sum(calls) > 0
)
SELECT DISTINCT w.address, w.port, w.rpc_service, substr(a.target, length('service:') + 1) AS service
FROM wanted w
JOIN answered a
  ON CASE WHEN w.address IS NULL THEN a.rpc_service = w.rpc_service
          ELSE a.address = w.address || ':' || w.port
               AND coalesce(a.rpc_service = w.rpc_service, true)
     END
ORDER BY ALL
