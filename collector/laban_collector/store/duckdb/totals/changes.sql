-- The changes by one counting step, without minutes, and with the bounds of histograms; the largest first.
SELECT source, target, address, rpc_service, flow, part, is_async,
       CASE WHEN timed <> 0
            THEN coalesce(CASE WHEN part IN ('served', 'delivered receive', 'delivered process', 'handled receive',
                                            'handled process') THEN bucket
                               ELSE list_extract($bounds::SMALLINT[], bucket + 1) END, $beyond)
       END::UTINYINT AS bound,
       sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors, sum(timed)::BIGINT AS timed,
       coalesce(sum(elapsed), 0)::BIGINT AS elapsed, bool_or(evidence = 'parent' AND calls > 0) AS proven
FROM edge_changes
GROUP BY ALL
HAVING sum(calls) <> 0 OR sum(errors) <> 0 OR sum(timed) <> 0
ORDER BY abs(sum(calls)) + abs(sum(timed)) DESC, source, target, part, bound
