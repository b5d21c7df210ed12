-- The spans that were found to matter, too: the many columns, now that it is known of which rows.
INSERT INTO hop_scope BY NAME SELECT *, true AS old FROM hop_spans WHERE row IN (SELECT row FROM hop_rows);
TRUNCATE hop_rows;
