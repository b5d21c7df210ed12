-- The spans of some commits are asked for.
CREATE OR REPLACE TEMP VIEW hop_scope AS
SELECT *, false AS old FROM hop_spans
WHERE arrival BETWEEN getvariable('hop_bounds').first::UBIGINT AND getvariable('hop_bounds').last::UBIGINT
UNION ALL BY NAME
SELECT *, true AS old FROM hop_others
