-- LIMIT: see insert_spans.sql.
INSERT INTO span_links BY NAME
SELECT * EXCLUDE ("row"), $sequence::UBIGINT AS arrival FROM batch_links
LIMIT 1000000000000
