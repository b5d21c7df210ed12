"""The collector: receives OTLP traces, stores them in one DuckDB file, and polls Kafka for consumer lag."""
