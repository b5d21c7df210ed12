"""Consumes shipments with confluent-kafka and publishes invoices. Contains no tracing code."""

import sys

from confluent_kafka import Consumer, Producer

bootstrap, source, target = sys.argv[1:]
producer = Producer({"bootstrap.servers": bootstrap})
consumer = Consumer(
    {
        "bootstrap.servers": bootstrap,
        "group.id": f"invoicing-{source}",
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 6_000,
    }
)
consumer.subscribe([source])
print("ready", flush=True)
while True:
    message = consumer.poll(0.5)
    if message is not None and message.error() is None:
        producer.produce(target, message.value(), message.key())
        producer.flush(10)
