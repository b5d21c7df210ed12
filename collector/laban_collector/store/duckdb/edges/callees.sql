-- All ends of edges, and the addresses and RPC services by which they were called.
SELECT target AS node, address, rpc_service, bool_or(evidence = 'parent') AS proven
FROM edge_counts
GROUP BY target, address, rpc_service
HAVING sum(calls) > 0
UNION ALL
SELECT source, NULL, NULL, true
FROM edge_counts
GROUP BY source
HAVING sum(calls) > 0
