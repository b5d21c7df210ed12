-- LIMIT: see insert_spans.sql.
INSERT INTO edges BY NAME FROM new_edges LIMIT 1000000000000
