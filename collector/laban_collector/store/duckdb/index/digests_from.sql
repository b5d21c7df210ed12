SELECT first_arrival, last_arrival, filter, consumers, last_spans
FROM digests
WHERE first_arrival >= $first::UBIGINT
ORDER BY first_arrival
