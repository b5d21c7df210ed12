"""Reads topics of the shop to the end, without a group."""

from uuid import uuid4

from kafka import KafkaConsumer, TopicPartition

from laban_samples.events import PARTITIONS
from laban_samples.messaging.cluster import Cluster
from laban_samples.messaging.dead_letter import Record


def fresh_cluster(bootstrap: str) -> Cluster:
    """The shop's topics under names that no other test uses."""
    prefix = f"test-{uuid4().hex[:8]}."
    cluster = Cluster(bootstrap, prefix, prefix)
    cluster.create_topics(PARTITIONS)
    return cluster


def read_all(cluster: Cluster, topic: str) -> list[Record]:
    """All records that are in a topic now, by partition and offset."""
    name = cluster.topic(topic)
    partitions = [TopicPartition(name, number) for number in range(PARTITIONS[topic])]
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap)
    try:
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        left = {partition: end for partition, end in consumer.end_offsets(partitions).items() if end}
        records: list[Record] = []
        while any(consumer.position(partition) < end for partition, end in left.items()):
            for batch in consumer.poll(timeout_ms=1_000).values():
                records.extend(batch)
    finally:
        consumer.close()
    return sorted(records, key=lambda record: (record.partition, record.offset))
