-- When the first and the last span of some commits began.
SELECT epoch_ns(min(start)), epoch_ns(max(start)) FROM spans
WHERE arrival BETWEEN $first::UBIGINT AND $last::UBIGINT
