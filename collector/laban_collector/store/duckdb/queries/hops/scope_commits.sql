-- Spans of new commits.
INSERT INTO hop_scope BY NAME
SELECT *, false AS old FROM hop_spans WHERE arrival BETWEEN $first AND $last
