"""A topic and a consumer group for one test, on a shared broker."""

import uuid

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata


class Shop:
    """A topic with two partitions and a consumer group, with unique names."""

    def __init__(self, bootstrap: str) -> None:
        self.topic = f"orders-{uuid.uuid4().hex[:8]}"
        self.group = f"email-{uuid.uuid4().hex[:8]}"
        self._bootstrap = bootstrap
        with KafkaAdminClient(bootstrap_servers=bootstrap) as admin:
            admin.create_topics({self.topic: {"num_partitions": 2, "replication_factor": 1}})

    def produce(self, count: int, partition: int = 0) -> None:
        """Append messages."""
        with KafkaProducer(bootstrap_servers=self._bootstrap) as producer:
            for _ in range(count):
                producer.send(self.topic, b"order", partition=partition).get(10)

    def commit(self, offset: int, partition: int = 0) -> None:
        """Commit an offset for the group."""
        consumer = KafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=self.group, enable_auto_commit=False
        )
        at = TopicPartition(self.topic, partition)
        consumer.assign([at])
        consumer.commit({at: OffsetAndMetadata(offset, "", -1)})
        consumer.close()
