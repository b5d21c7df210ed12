"""Kafka clients: one span a record that is current while the record is handled; one span a record sent.

One file a client, and one for its producer where that is long: `kafka_python`, `aiokafka`, `confluent_kafka`.
What they share, in the order of a record's way: `sending` (its send span) and `headers`; `following` (who
consumes), `iteration` and `handing` (in which shape, and one at a time), `records` (what it says), `spans`
(its process span), `failures` (what its handler raised); `processing` and `batches` (the explicit form).
"""
