INSERT INTO spans BY NAME
SELECT *, $arrival::UBIGINT AS arrival FROM batch_spans
