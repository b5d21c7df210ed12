"""Waits until the consumer groups of the shop have consumed all messages."""

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from kafka import KafkaAdminClient, OffsetSpec, TopicPartition
from kafka.errors import KafkaError

from laban_samples.demo.laban_processes import CollectorProcess, reading_time
from laban_samples.errors import BrokerUnavailable, NotCaughtUp
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
_BLOCKING: Final = {FaultName.STOP_CONSUMER, FaultName.TIMEOUT}


def groups_able_to_catch_up(faults: Iterable[ServiceFault]) -> set[str]:
    """Return the groups without a fault that prevents them from catching up."""
    blocked = {fault.service for fault in faults if fault.fault.name in _BLOCKING}
    return set(SUBSCRIPTIONS) - blocked


def wait_until_caught_up(
    cluster: KafkaCluster, groups: Collection[str], supervisor: ProcessSupervisor
) -> None:
    """Wait until these groups have committed the end of all their topics.

    Raises:
        NotCaughtUp: the timeout passed; with the lag of each group.
        ProcessFailed: a process ended.
        BrokerUnavailable: the broker no longer responds.
    """
    deadline = time.monotonic() + TIMEOUT_S
    try:
        with KafkaAdminClient(**cluster.client_options) as admin:
            while behind := messages_behind(admin, cluster, groups):
                supervisor.check()
                if time.monotonic() > deadline:
                    listed = ", ".join(f"{group} by {messages}" for group, messages in behind.items())
                    raise NotCaughtUp(f"Consumers are still behind after {TIMEOUT_S:g} s: {listed}.")
                time.sleep(POLL_S)
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka at {cluster.bootstrap} no longer responds: {error!r}") from error


def messages_behind(
    admin: KafkaAdminClient, cluster: KafkaCluster, groups: Collection[str]
) -> dict[str, int]:
    """Return the lag in messages of each group that has one.

    The committed offsets are read before the end offsets. A handler publishes before it commits, so no
    message between two topics is missed.
    """
    wanted = {cluster.group(group): _partitions(cluster, SUBSCRIPTIONS[group]) for group in groups}
    committed = {group: admin.list_group_offsets({group: partitions}) for group, partitions in wanted.items()}
    every = {partition for partitions in wanted.values() for partition in partitions}
    ends = admin.list_partition_offsets(dict.fromkeys(every, OffsetSpec.LATEST))
    starts = admin.list_partition_offsets(dict.fromkeys(every, OffsetSpec.EARLIEST))
    behind: dict[str, int] = {}
    for group, partitions in wanted.items():
        known = committed[group][group]
        for partition in partitions:
            offset = known[partition].offset if partition in known else -1
            position = offset if offset >= 0 else starts[partition].offset
            # The embedded broker can report an end offset before the offset that a group has read.
            behind[group] = behind.get(group, 0) + max(0, ends[partition].offset - position)
    return {group: messages for group, messages in behind.items() if messages}


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
