"""Consumer lag: the poller reads offsets from Kafka; the evaluation derives lag in seconds and a status."""
