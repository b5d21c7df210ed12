-- When each service, or each of some, ended its last span in a range of commits, ns. Spans that were dated in the future
-- when they were stored do not count: their clocks are wrong. A service can be named with its namespace, `shop/order`.
SELECT service, namespace, max(ended) AS last
FROM (
    SELECT s.resource_id, max(least(epoch_ns(s.start)::HUGEINT + s.duration, 9_223_372_036_854_775_807))::BIGINT AS ended
    FROM spans s
    LEFT JOIN (FROM ledger WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT) l USING (arrival)
    WHERE s.arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
      AND (l.time IS NULL OR epoch_ns(s.start) - epoch_ns(l.time) < $ahead)
    GROUP BY s.resource_id
)
JOIN resources USING (resource_id)
WHERE $services::VARCHAR[] IS NULL OR list_contains($services, service)
   OR list_contains($services, namespace || '/' || service)
GROUP BY service, namespace
LIMIT $most
