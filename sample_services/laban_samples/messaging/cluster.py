"""The Kafka cluster that the shop uses: its address, how names are prefixed, which topics there are."""

from collections.abc import Mapping
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from laban_samples.errors import BrokerUnavailable


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where Kafka is, and how this shop names things there.

    Attributes:
        bootstrap: HOST:PORT of a broker.
        topic_prefix: stands before every topic name.
        group_prefix: stands before every consumer group name.
    """

    bootstrap: str
    topic_prefix: str = ""
    group_prefix: str = ""

    def topic(self, name: str) -> str:
        """The name of a topic in the cluster."""
        return self.topic_prefix + name

    def group(self, name: str) -> str:
        """The name of a consumer group in the cluster."""
        return self.group_prefix + name

    def create_topics(self, partitions: Mapping[str, int]) -> None:
        """Create the topics that are missing; several services may do so at a time.

        Raises:
            BrokerUnavailable: no broker answers, or it refuses.
        """
        try:
            with KafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=10_000) as admin:
                missing = {self.topic(name): count for name, count in partitions.items()}
                for name in admin.list_topics():
                    missing.pop(name, None)
                if missing:
                    _create(admin, missing)
        except KafkaError as error:
            raise BrokerUnavailable(f"Could not create the topics at {self.bootstrap}: {error!r}") from error


def _create(admin: KafkaAdminClient, partitions: Mapping[str, int]) -> None:
    wanted = {name: {"num_partitions": count, "replication_factor": -1} for name, count in partitions.items()}
    answer = admin.create_topics(wanted, raise_errors=False)
    for topic in answer["topics"]:
        error = for_code(topic["error_code"])
        # Another service was faster: that is as good.
        if topic["error_code"] and error is not TopicAlreadyExistsError:
            raise error(f"{topic['name']}: {topic.get('error_message')}")
    admin.wait_for_topics(list(partitions))
