"""Waits until the consumer groups of the shop have consumed all messages."""

import time
from collections.abc import Collection, Generator, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from kafka import KafkaAdminClient, OffsetSpec, TopicPartition
from kafka.errors import KafkaError

from laban_samples.demo.laban_processes import CollectorProcess, reading_time
from laban_samples.errors import BrokerUnavailable
from laban_samples.faults.parsing import FaultName, ServiceFault
from laban_samples.messaging.cluster import KafkaCluster
from laban_samples.messaging.events import ORDERS, PARTITIONS, PAYMENTS
from laban_samples.processes.supervisor import ProcessSupervisor

TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.1
SUBSCRIPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "payment": (ORDERS,),
    "inventory": (ORDERS,),
    "email": (ORDERS, PAYMENTS),
    "analytics": (ORDERS, PAYMENTS),
    "order": (PAYMENTS,),
}
"""The topics of each consumer group in the hybrid style."""
_BLOCKING: Final = {FaultName.CRASH, FaultName.STOP_CONSUMER, FaultName.TIMEOUT}


def groups_able_to_catch_up(faults: Iterable[ServiceFault]) -> set[str]:
    """Return the groups without a fault that prevents them from catching up."""
    blocked = {fault.service for fault in faults if fault.fault.name in _BLOCKING}
    return set(SUBSCRIPTIONS) - blocked


def wait_until_caught_up(
    cluster: KafkaCluster,
    groups: Collection[str],
    supervisor: ProcessSupervisor,
    timeout: float = TIMEOUT_S,
) -> bool:
    """Wait until these groups have committed the end of all their topics, at most `timeout` seconds.

    Returns:
        Whether they have.

    Raises:
        ProcessFailed: a process ended.
        BrokerUnavailable: the broker no longer responds.
    """
    deadline = time.monotonic() + timeout
    with _admin(cluster) as admin:
        while _messages_left(admin, cluster, groups):
            supervisor.check()
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
    return True


def messages_left(
    cluster: KafkaCluster, groups: Collection[str] = tuple(SUBSCRIPTIONS)
) -> dict[tuple[str, str], int]:
    """Return the lag in messages of each group and topic that has one; the names are without prefix.

    The committed offsets are read before the end offsets. A handler publishes before it commits, so no
    message between two topics is missed.

    Raises:
        BrokerUnavailable: the broker no longer responds.
    """
    with _admin(cluster) as admin:
        return _messages_left(admin, cluster, groups)


@contextmanager
def _admin(cluster: KafkaCluster) -> Generator[KafkaAdminClient, None, None]:
    try:
        with KafkaAdminClient(**cluster.client_options) as admin:
            yield admin
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka at {cluster.bootstrap} no longer responds: {error!r}") from error


def _messages_left(
    admin: KafkaAdminClient, cluster: KafkaCluster, groups: Collection[str]
) -> dict[tuple[str, str], int]:
    wanted = {group: _partitions(cluster, SUBSCRIPTIONS[group]) for group in groups}
    committed = {
        group: admin.list_group_offsets({cluster.group(group): partitions})[cluster.group(group)]
        for group, partitions in wanted.items()
    }
    every = {partition for partitions in wanted.values() for partition in partitions}
    ends = admin.list_partition_offsets(dict.fromkeys(every, OffsetSpec.LATEST))
    starts = admin.list_partition_offsets(dict.fromkeys(every, OffsetSpec.EARLIEST))
    left: dict[tuple[str, str], int] = {}
    for group, partitions in wanted.items():
        for partition in partitions:
            known = committed[group].get(partition)
            position = known.offset if known and known.offset >= 0 else starts[partition].offset
            place = group, partition.topic.removeprefix(cluster.topic_prefix)
            # The embedded broker can report an end offset before the offset that a group has read.
            left[place] = left.get(place, 0) + max(0, ends[partition].offset - position)
    return {place: messages for place, messages in left.items() if messages}


def wait_for_lag_reading(
    collector: CollectorProcess, cluster: KafkaCluster, supervisor: ProcessSupervisor, timeout: float
) -> None:
    """Wait until the collector has newly read the lag of all groups; `timeout` is in seconds.

    Raises:
        ProcessFailed: a process ended, or the timeout passed.
    """
    start = datetime.now(UTC)
    expected = {
        (cluster.group(group), cluster.topic(topic))
        for group, topics in SUBSCRIPTIONS.items()
        for topic in topics
    }

    def is_read() -> bool:
        rows = collector.lag()
        return expected <= {(row["group"], row["topic"]) for row in rows if reading_time(row) >= start}

    supervisor.wait_until(is_read, timeout, "the collector has not read the lag of all groups")


def _partitions(cluster: KafkaCluster, topics: Iterable[str]) -> list[TopicPartition]:
    return [
        TopicPartition(cluster.topic(topic), number)
        for topic in topics
        for number in range(PARTITIONS[topic])
    ]
