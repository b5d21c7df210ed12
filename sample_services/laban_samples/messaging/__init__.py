"""Kafka as the services use it: publish, consume once, retry, set aside what cannot be handled."""
