"""confluent-kafka: the consumer and the producer."""
