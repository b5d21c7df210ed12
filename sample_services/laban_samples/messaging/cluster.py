"""The Kafka cluster of the shop: its address, the name prefixes and the topics."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.errors import (
    BrokerResponseError,
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    for_code,
)
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from laban_samples.errors import BrokerUnavailable

CHECK_TIMEOUT_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class KafkaCluster:
    """The address of Kafka, its security and the prefixes of topics and consumer groups.

    Attributes:
        bootstrap: HOST:PORT of the bootstrap broker.
        topic_prefix: the prefix of every topic name.
        group_prefix: the prefix of every consumer group name.
        security: the options of kafka-python for TLS and SASL; may have a password.
    """

    bootstrap: str
    topic_prefix: str = ""
    group_prefix: str = ""
    security: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)

    @property
    def client_options(self) -> dict[str, Any]:
        """The options of every client: the address and the security."""
        return {"bootstrap_servers": self.bootstrap, **self.security}

    def topic(self, name: str) -> str:
        """Return the full name of a topic."""
        return self.topic_prefix + name

    def group(self, name: str) -> str:
        """Return the full name of a consumer group."""
        return self.group_prefix + name

    def check(self) -> None:
        """Connect and log in, once: the clients of kafka-python would try a wrong password again and again.

        Raises:
            BrokerUnavailable: the broker does not respond or refuses the login; the text says which.
        """
        loop = NetworkSelector(**self.client_options)
        manager: Any = KafkaConnectionManager(loop, **self.client_options)
        try:
            manager.run(self._connect, manager)
        except BrokerUnavailable:
            raise
        # Whatever a mechanism of SASL raises at the answers of a broker comes through here.
        except Exception as error:
            raise BrokerUnavailable(
                f"No Kafka broker responds at {self.bootstrap}: {_reason(error)}. Check that it is running "
                "and reachable, LABAN_KAFKA_SECURITY_PROTOCOL and LABAN_KAFKA_SSL_*."
            ) from error
        finally:
            manager.close()
            loop.close()

    async def _connect(self, manager: Any) -> None:
        broker = manager.cluster.bootstrap_brokers()[0].node_id
        connection = manager.get_connection(
            broker, timeout_ms=CHECK_TIMEOUT_MS, refresh_metadata_on_err=False
        )
        try:
            await connection
        except KafkaError as error:
            # A broker closes the connection when it refuses the login; kafka-python may lose the reason.
            if not isinstance(error, BrokerResponseError | KafkaConnectionError):
                raise
            if not connection.sasl_enabled or connection.broker_version_data is None:
                raise
            raise BrokerUnavailable(
                f"The Kafka broker at {self.bootstrap} refuses the login: authentication failed "
                f"({_reason(error)}). Check LABAN_KAFKA_SASL_MECHANISM, and the user, password or token in "
                "LABAN_KAFKA_SASL_*."
            ) from error

    def create_topics(self, partitions: Mapping[str, int]) -> None:
        """Create the missing topics; several services can do this at the same time.

        Raises:
            BrokerUnavailable: no broker responds, or it rejects the request.
        """
        try:
            with KafkaAdminClient(**self.client_options, request_timeout_ms=10_000) as admin:
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


def _reason(error: Exception) -> str:
    """Return what went wrong, without the class names that kafka-python puts first."""
    return re.sub(r"^(\w+Error: )+", "", str(error.args[0])) if error.args else type(error).__name__
