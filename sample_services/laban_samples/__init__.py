"""The sample shop: seven services over REST, gRPC and Kafka, without tracing code, and their demo."""
