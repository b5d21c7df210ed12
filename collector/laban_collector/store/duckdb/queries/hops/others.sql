-- The spans that are needed, too: the many columns, now that it is known of which rows.
INSERT INTO hop_others BY NAME FROM hop_spans WHERE row IN (SELECT row FROM hop_rows)
