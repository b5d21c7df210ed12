-- LIMIT: see insert_spans.sql.
INSERT INTO span_events BY NAME
SELECT * EXCLUDE ("row"), $sequence::UBIGINT AS arrival FROM batch_events
LIMIT 1000000000000
