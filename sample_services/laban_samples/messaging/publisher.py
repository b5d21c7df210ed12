"""Publishes events and waits for the broker's acknowledgement."""

from collections.abc import Sequence

from kafka import KafkaProducer
from kafka.errors import KafkaError

from laban_samples.errors import PublishFailed
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.events import Event, cloud_event_headers, encode

ACK_TIMEOUT_S = 5.0

Headers = Sequence[tuple[str, bytes]]


class Publisher:
    """A Kafka producer; thread-safe."""

    def __init__(self, cluster: KafkaCluster, client_id: str) -> None:
        self._cluster = cluster
        self._client_id = client_id
        self._producer = KafkaProducer(
            **cluster.client_options,
            client_id=client_id,
            acks="all",
            max_block_ms=5_000,
            request_timeout_ms=4_000,
            delivery_timeout_ms=5_000,
        )

    def publish(self, topic: str, event: Event) -> None:
        """Publish an event with its order ID as the key, and wait for the acknowledgement.

        Raises:
            PublishFailed: the broker did not acknowledge it in time.
        """
        headers = cloud_event_headers(event, self._client_id)
        self.send(topic, event.order_id.encode(), encode(event), headers)

    def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Publish a record, and wait for the acknowledgement.

        Raises:
            PublishFailed: the broker did not acknowledge it in time.
        """
        name = self._cluster.topic(topic)
        try:
            future = self._producer.send(name, value=value, key=key, headers=list(headers))
            future.get(timeout=ACK_TIMEOUT_S)
        except KafkaError as error:
            raise PublishFailed(f"Could not publish to topic {name}: {error!r}") from error

    def close(self) -> None:
        """Flush and close the connections."""
        self._producer.close(timeout=ACK_TIMEOUT_S)
