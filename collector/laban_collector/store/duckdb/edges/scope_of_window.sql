-- The spans of a window are asked for.
CREATE OR REPLACE TEMP VIEW hop_scope AS
SELECT *, false AS old FROM hop_spans
WHERE start >= make_timestamp_ns(getvariable('hop_bounds').first)
  AND start < make_timestamp_ns(getvariable('hop_bounds').last)
UNION ALL BY NAME
SELECT *, true AS old FROM hop_others
