-- LIMIT: see insert_spans.sql.
INSERT INTO correlations BY NAME
SELECT *, $sequence::UBIGINT AS arrival FROM batch_correlations
LIMIT 1000000000000
