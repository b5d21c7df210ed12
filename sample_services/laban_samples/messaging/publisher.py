"""Publishes events and waits for the broker's acknowledgement."""

from collections.abc import Sequence

from kafka import KafkaProducer
from kafka.errors import KafkaError

from laban_samples.errors import PublishFailed
from laban_samples.events import Event, encode
from laban_samples.messaging.cluster import Cluster

ACK_TIMEOUT_S = 5.0

Headers = Sequence[tuple[str, bytes]]


class Publisher:
    """One Kafka producer; safe to share between threads."""

    def __init__(self, cluster: Cluster, client_id: str) -> None:
        self._cluster = cluster
        self._producer = KafkaProducer(
            bootstrap_servers=cluster.bootstrap,
            client_id=client_id,
            acks="all",
            max_block_ms=5_000,
            request_timeout_ms=4_000,
            delivery_timeout_ms=5_000,
        )

    def publish(self, topic: str, event: Event) -> None:
        """Publish an event under the key of its order; when this returns, the broker has it.

        Raises:
            PublishFailed: it was not acknowledged in time.
        """
        self.send(topic, event.order_id.encode(), encode(event))

    def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Publish bytes; when this returns, the broker has them.

        Raises:
            PublishFailed: they were not acknowledged in time.
        """
        name = self._cluster.topic(topic)
        try:
            future = self._producer.send(name, value=value, key=key, headers=list(headers))
            future.get(timeout=ACK_TIMEOUT_S)
        except KafkaError as error:
            raise PublishFailed(f"Topic {name} did not take a record: {error!r}") from error

    def close(self) -> None:
        """Flush, and let go of the connections."""
        self._producer.close(timeout=ACK_TIMEOUT_S)
