"""Receives OTLP, stores it in one DuckDB file, and polls Kafka for the lag of consumer groups."""
