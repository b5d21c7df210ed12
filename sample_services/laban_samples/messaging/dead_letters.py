"""Dead-letter topics: records that could not be handled, with their origin and the error.

The header names are those of Spring Kafka, because they are the most common. The values are UTF-8 text.
"""

from typing import Final, Protocol

from laban_samples.messaging.events import DEAD_LETTER_SUFFIX
from laban_samples.messaging.publisher import Publisher

ORIGINAL_TOPIC: Final = "kafka_dlt-original-topic"
ORIGINAL_PARTITION: Final = "kafka_dlt-original-partition"
ORIGINAL_OFFSET: Final = "kafka_dlt-original-offset"
ORIGINAL_TIMESTAMP: Final = "kafka_dlt-original-timestamp"
ORIGINAL_GROUP: Final = "kafka_dlt-original-consumer-group"
EXCEPTION_TYPE: Final = "kafka_dlt-exception-fqcn"
EXCEPTION_MESSAGE: Final = "kafka_dlt-exception-message"
DELIVERY_ATTEMPT: Final = "kafka_deliveryAttempt"


class Record(Protocol):
    """A record as returned by kafka-python."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - Kafka's terms, here and below
    @property
    def partition(self) -> int: ...  # noqa: D102
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102
    @property
    def headers(self) -> list[tuple[str, bytes]]: ...  # noqa: D102


class DeadLetterPublisher:
    """Publishes records to dead-letter topics, for manual inspection.

    Args:
        publisher: the publisher of the service.
        group: its consumer group.
        topic_prefix: the prefix of every topic name.
    """

    def __init__(self, publisher: Publisher, group: str, topic_prefix: str) -> None:
        self._publisher = publisher
        self._group = group
        self._topic_prefix = topic_prefix

    def add(self, record: Record, error: Exception, attempts: int) -> None:
        """Publish the unchanged record and its headers to the dead-letter topic of its topic.

        Args:
            record: the record that could not be handled.
            error: the error of the last attempt.
            attempts: the number of attempts.

        Raises:
            PublishFailed: the broker did not acknowledge it in time.
        """
        topic = record.topic.removeprefix(self._topic_prefix) + DEAD_LETTER_SUFFIX
        added = {
            ORIGINAL_TOPIC: record.topic,
            ORIGINAL_PARTITION: record.partition,
            ORIGINAL_OFFSET: record.offset,
            ORIGINAL_TIMESTAMP: record.timestamp,
            ORIGINAL_GROUP: self._group,
            EXCEPTION_TYPE: f"{type(error).__module__}.{type(error).__qualname__}",
            EXCEPTION_MESSAGE: error,
            DELIVERY_ATTEMPT: attempts,
        }
        headers = [*record.headers, *((name, str(value).encode()) for name, value in added.items())]
        self._publisher.send(topic, record.key, record.value, headers)
