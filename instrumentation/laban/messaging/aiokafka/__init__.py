"""The instrumentation of aiokafka: `instrumentor` (entry point and consumer) and `producer`."""
