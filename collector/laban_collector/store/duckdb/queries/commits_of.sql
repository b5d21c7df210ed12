-- The first and the last of some commits that brought spans of these traces; NULL when none did.
SELECT min(arrival), max(arrival)
FROM spans
WHERE arrival BETWEEN $from::UBIGINT AND $to::UBIGINT
  AND (trace_lo, trace_hi) IN (SELECT unnest($lows::UBIGINT[]), unnest($highs::UBIGINT[]))
