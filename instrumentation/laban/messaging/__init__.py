"""Messaging clients: one span per message sent, and one per message handled, current while it is handled.

Each client has one module, or one package if it is long: `kafka_python`, `aiokafka`, `confluent_kafka`,
`faust`, `aio_pika`, `pika`, `nats`, `sqs`, `celery`. Kafka clients share these modules, in the order in which
a record passes them: `send_span` and `headers` (producer); `consumer_registry` (each consumer's state),
`loops` and `delivery` (loops over records, one record at a time), `records` (reading a record),
`process_span`, `handler_errors`; `processing` and `batch_span` (`laban.processing`). `message_delivery`
adapts them to the other brokers, and `faststream` to a framework that runs on most of these clients.
"""
