-- Selects the spans of some commits.
CREATE OR REPLACE TEMP VIEW edge_scope AS
SELECT *, false AS old FROM edge_spans
WHERE arrival BETWEEN getvariable('edge_bounds').first::UBIGINT AND getvariable('edge_bounds').last::UBIGINT
UNION ALL BY NAME
SELECT *, true AS old FROM edge_others;
