"""The shop: seven services over REST, gRPC and Kafka, with no tracing code, and the demo that runs them."""
