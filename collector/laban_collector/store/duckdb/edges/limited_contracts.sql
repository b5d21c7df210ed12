-- The changes, with one other contract for those beyond the limit of their edge and hour.
SELECT minute, source, target, protocol, flow, part,
       CASE WHEN r.contract IS NULL THEN event_type ELSE $other END AS event_type,
       CASE WHEN r.contract IS NULL THEN version END AS version,
       sum(calls)::BIGINT AS calls, sum(errors)::BIGINT AS errors
FROM contract_changes c
LEFT JOIN contract_refused r
  ON r.hour = c.minute // 60 AND r.edge = hash(source, target, protocol)::VARCHAR
     AND r.contract = hash(event_type, version)
GROUP BY ALL
