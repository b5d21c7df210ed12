"""aiokafka: the consumer and the producer."""
