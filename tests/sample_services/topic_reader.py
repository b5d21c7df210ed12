"""Reads topics of the shop to the end, without a consumer group."""

from uuid import uuid4

from kafka import KafkaConsumer, TopicPartition

from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.dead_letters import Record
from laban_samples.messaging.events import PARTITIONS


def fresh_cluster(bootstrap: str) -> KafkaCluster:
    """Create the shop's topics under a unique prefix."""
    prefix = f"test-{uuid4().hex[:8]}."
    cluster = KafkaCluster(bootstrap, prefix, prefix)
    cluster.create_topics(PARTITIONS)
    return cluster


def read_all(cluster: KafkaCluster, topic: str) -> list[Record]:
    """Return all records of a topic, sorted by partition and offset."""
    name = cluster.topic(topic)
    partitions = [TopicPartition(name, number) for number in range(PARTITIONS[topic])]
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    try:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = {partition: end for partition, end in consumer.end_offsets(partitions).items() if end}
        records: list[Record] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for batch in consumer.poll(timeout_ms=1_000).values():
                records.extend(batch)
    finally:
        consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))
