-- Selects the spans of a window.
CREATE OR REPLACE TEMP VIEW edge_scope AS
SELECT *, false AS old FROM edge_spans
WHERE start >= make_timestamp_ns(getvariable('edge_bounds').first)
  AND start < make_timestamp_ns(getvariable('edge_bounds').last)
UNION ALL BY NAME
SELECT *, true AS old FROM edge_others;
