"""Kafka: the shop's events, publishing, idempotent consumption with retries, and dead-letter topics."""
