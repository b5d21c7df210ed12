"""Consumes reservations and sends a notification over HTTP. Contains no tracing code."""

import sys

import httpx
from kafka import KafkaConsumer

bootstrap, topic, listener = sys.argv[1:]
consumer = KafkaConsumer(
    topic,
    bootstrap_servers=bootstrap,
    group_id=f"email-{topic}",
    auto_offset_reset="earliest",
    session_timeout_ms=6_000,
    heartbeat_interval_ms=1_000,
)
print("ready", flush=True)
for record in consumer:
    httpx.post(listener, content=record.value, timeout=10).raise_for_status()
