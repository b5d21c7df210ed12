"""Kafka clients: one span a record that is current while the record is handled; one span a record sent.

One file a client; what they share is in `spans` (the process span), `sending`, `headers`, `iteration` and
`failures`.
"""
