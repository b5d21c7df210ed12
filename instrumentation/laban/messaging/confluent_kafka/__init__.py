"""The instrumentation of confluent-kafka: `instrumentor` (entry point and consumer) and `producer`."""
