-- The rows of the spans of some traces.
SELECT rowid AS row, trace_hi, trace_lo FROM spans
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT AND trace_lo IN (SELECT unnest($wanted::UBIGINT[]))
LIMIT $limit
