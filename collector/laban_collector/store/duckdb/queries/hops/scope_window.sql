-- Spans of a window.
INSERT INTO hop_scope BY NAME
SELECT *, false AS old FROM hop_spans WHERE start >= make_timestamp_ns($since) AND start < make_timestamp_ns($until)
