-- RETURNING: see insert_spans.sql.
INSERT INTO span_events BY NAME
SELECT * EXCLUDE ("row") FROM batch_events
RETURNING 1
