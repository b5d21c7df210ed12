"""The Kafka cluster of the shop: its address, the name prefixes and the topics."""

from collections.abc import Mapping
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from laban_samples.errors import BrokerUnavailable


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    """The address of Kafka and the prefixes of topics and consumer groups.

    Attributes:
        bootstrap: HOST:PORT of the bootstrap broker.
        topic_prefix: the prefix of every topic name.
        group_prefix: the prefix of every consumer group name.
    """

    bootstrap: str
    topic_prefix: str = ""
    group_prefix: str = ""

    def topic(self, name: str) -> str:
        """Return the full name of a topic."""
        return self.topic_prefix + name

    def group(self, name: str) -> str:
        """Return the full name of a consumer group."""
        return self.group_prefix + name

    def create_topics(self, partitions: Mapping[str, int]) -> None:
        """Create the missing topics; several services can do this at the same time.

        Raises:
            BrokerUnavailable: no broker responds, or it rejects the request.
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
        # TopicAlreadyExistsError is not a failure: another service created the topic first.
        if topic["error_code"] and error is not TopicAlreadyExistsError:
            raise error(f"{topic['name']}: {topic.get('error_message')}")
    admin.wait_for_topics(list(partitions))
