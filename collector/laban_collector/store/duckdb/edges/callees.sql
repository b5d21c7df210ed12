-- All ends of edges, the addresses and RPC services by which they were called, and by whom.
SELECT target AS node, address, rpc_service, bool_or(evidence = 'parent') AS proven,
       CASE WHEN starts_with(target, 'database:') THEN list(DISTINCT source) ELSE [] END AS callers
FROM edge_counts
GROUP BY target, address, rpc_service
HAVING sum(calls) > 0
UNION ALL
SELECT source, NULL, NULL, true, []
FROM edge_counts
GROUP BY source
HAVING sum(calls) > 0
