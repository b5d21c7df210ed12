"""Waits until the consumer groups of the shop have consumed all that there is."""

import time
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from kafka import KafkaAdminClient, OffsetSpec, TopicPartition
from kafka.errors import KafkaError

from laban_samples.errors import BrokerUnavailable, NotCaughtUp
from laban_samples.events import ORDERS, PARTITIONS, PAYMENTS
from laban_samples.faults import FaultName, ServiceFault
from laban_samples.messaging.cluster import Cluster
from laban_samples.observer import Collector, read_time
from laban_samples.processes import Parts

TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.1
SUBSCRIPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "payment": (ORDERS,),
    "inventory": (ORDERS,),
    "email": (ORDERS, PAYMENTS),
    "analytics": (ORDERS, PAYMENTS),
    "order": (PAYMENTS,),
}
"""Which group consumes which topics in the hybrid style."""
_STUCK: Final = {FaultName.STOP_CONSUMER, FaultName.TIMEOUT}


def patient_groups(faults: Iterable[ServiceFault]) -> set[str]:
    """The groups that will catch up, if given the time: those without a fault that keeps them from it."""
    stuck = {fault.service for fault in faults if fault.fault.name in _STUCK}
    return set(SUBSCRIPTIONS) - stuck


def wait_until_caught_up(cluster: Cluster, groups: Collection[str], parts: Parts) -> None:
    """Wait until these groups have committed the end of all that they consume.

    Raises:
        NotCaughtUp: they have not, in time; names those that are behind, and by how much.
        PartFailed: a process ended by itself.
        BrokerUnavailable: the broker does not answer anymore.
    """
    deadline = time.monotonic() + TIMEOUT_S
    try:
        with KafkaAdminClient(bootstrap_servers=cluster.bootstrap) as admin:
            while behind := messages_behind(admin, cluster, groups):
                parts.check()
                if time.monotonic() > deadline:
                    listed = ", ".join(f"{group} by {messages}" for group, messages in behind.items())
                    raise NotCaughtUp(f"Consumers are still behind after {TIMEOUT_S:g} s: {listed}.")
                time.sleep(POLL_S)
    except KafkaError as error:
        raise BrokerUnavailable(f"Kafka at {cluster.bootstrap} stopped answering: {error!r}") from error


def messages_behind(admin: KafkaAdminClient, cluster: Cluster, groups: Collection[str]) -> dict[str, int]:
    """By how many messages each group is behind; those that are not are missing.

    What the groups have committed is read before the ends of the logs: what a handler published was published
    before it committed, so nothing can slip through between the two topics.
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
            # The embedded broker has been seen to name an end that lies before what a group had read.
            behind[group] = behind.get(group, 0) + max(0, ends[partition].offset - position)
    return {group: messages for group, messages in behind.items() if messages}


def wait_for_lag_reading(collector: Collector, cluster: Cluster, parts: Parts, timeout: float) -> None:
    """Wait until the collector has read the lag of all groups after this moment; `timeout` is in seconds.

    Raises:
        PartFailed: a process ended, or the collector did not read them in time.
    """
    moment = datetime.now(UTC)
    expected = {
        (cluster.group(group), cluster.topic(topic))
        for group, topics in SUBSCRIPTIONS.items()
        for topic in topics
    }

    def is_read() -> bool:
        rows = collector.lag()
        return expected <= {(row["group"], row["topic"]) for row in rows if read_time(row) >= moment}

    parts.wait_until(is_read, timeout, "the collector has not read the lag of all groups")


def _partitions(cluster: Cluster, topics: Iterable[str]) -> list[TopicPartition]:
    return [
        TopicPartition(cluster.topic(topic), number)
        for topic in topics
        for number in range(PARTITIONS[topic])
    ]
