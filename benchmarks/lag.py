"""Measures a poll of the consumer lag on a real Apache Kafka with many partitions.

`./run bench lag [--partitions 5000] [--groups 10] [--rounds 10] [--publish]` starts the Kafka of the tests
(it needs Java and the JARs; see tests/kafka/pom.xml), creates the topics and lets each group commit in all
partitions of its topics. It checks that the polls see all of them and change nothing: topics and groups are
the same before and after.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # a script: put the repository on the path

from benchmarks.workload import report
from laban_collector.kafka_settings import KafkaCluster
from laban_collector.lag.brokers import Brokers
from laban_collector.lag.evaluation import LagTracker
from laban_collector.lag.reader import OffsetReader
from laban_collector.lag.security import client_options
from tests.kafka.real_kafka import find_runtime, running_kafka

_PER_TOPIC: Final = 50
_LIMIT_S: Final = 1.0
"""The time that a poll may take."""
_CREATE_TIMEOUT_MS: Final = 120_000
_READY_TIMEOUT_S: Final = 240.0
_SMALL_INDEXES: Final = "log.index.size.max.bytes=4096\n"
"""Each partition has two index files, which are allocated when it is created."""


class Round(NamedTuple):
    """The seconds of one poll: reading the offsets, and deriving the lag."""

    read: float
    derive: float


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partitions", type=int, default=5000)
    parser.add_argument("--groups", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--publish", action="store_true", help="write the figures into docs/performance.md")
    arguments = parser.parse_args()
    runtime = find_runtime()
    if isinstance(runtime, str):
        sys.exit(runtime)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_kafka(runtime, Path(folder), _SMALL_INDEXES) as address,
    ):
        fill(address, arguments.partitions, arguments.groups)
        rounds, rows = poll(address, arguments.partitions, arguments.rounds)
    text = table(arguments.partitions, arguments.groups, rows, rounds)
    print(text)
    if arguments.publish:
        report.publish("lag", f"{report.machine()}\n\n{text}")
    slowest = max(one.read + one.derive for one in rounds)
    if slowest > _LIMIT_S:
        sys.exit(f"a poll took {slowest:.2f} s, more than {_LIMIT_S:g} s")


def fill(address: str, partitions: int, groups: int) -> None:
    """Create the topics, and let each group commit in the partitions of its share of them."""
    topics = [f"topic-{number}" for number in range(-(-partitions // _PER_TOPIC))]
    print(f"creating {len(topics)} topics with {_PER_TOPIC} partitions each …", file=sys.stderr)
    create(address, topics[:1])
    commit(address, "group-0", topics[:1])  # Kafka creates its own topic of offsets before it is busy
    create(address, topics[1:])
    for group in range(groups):
        commit(address, f"group-{group}", topics[group::groups])


def create(address: str, topics: Sequence[str]) -> None:
    """Create topics, and wait until they have leaders."""
    with KafkaAdminClient(bootstrap_servers=address, request_timeout_ms=_CREATE_TIMEOUT_MS) as admin:
        new = {"num_partitions": _PER_TOPIC, "replication_factor": 1}
        admin.create_topics(dict.fromkeys(topics, new), timeout_ms=_CREATE_TIMEOUT_MS)
        admin.wait_for_topics(topics, timeout_ms=_CREATE_TIMEOUT_MS)


def commit(address: str, group: str, topics: Sequence[str]) -> None:
    """Commit offset 0 in all partitions of the topics."""
    offsets = {
        TopicPartition(topic, number): OffsetAndMetadata(0, "", -1)
        for topic in topics
        for number in range(_PER_TOPIC)
    }
    consumer = KafkaConsumer(bootstrap_servers=address, group_id=group, enable_auto_commit=False)
    consumer.assign(list(offsets))
    consumer.commit(offsets, timeout_ms=_CREATE_TIMEOUT_MS)
    consumer.close()


def poll(address: str, partitions: int, rounds: int) -> tuple[list[Round], int]:
    """Poll several times; returns the time of each poll, and the rows of the last."""
    tracker = LagTracker("benchmark")
    brokers = Brokers(client_options(KafkaCluster(bootstrap=address)))
    before = inventory(address)
    times: list[Round] = []
    rows = 0
    try:
        brokers.connect()
        reader = OffsetReader(brokers)
        wait_until_complete(reader, partitions)
        for number in range(rounds):
            began = time.perf_counter()
            offsets = reader.read()
            read = time.perf_counter()
            rows = len(tracker.observe(number * 5_000_000_000, offsets))
            times.append(Round(read - began, time.perf_counter() - read))
    finally:
        brokers.close()
    assert inventory(address) == before, "a poll has created a topic or a group"
    return times, rows


def wait_until_complete(reader: OffsetReader, partitions: int) -> None:
    """Wait until the broker has opened all partitions; it creates the topics much faster than their files."""
    deadline = time.monotonic() + _READY_TIMEOUT_S
    while len(reader.read().logs) < partitions:
        assert time.monotonic() < deadline, "the broker has not opened all partitions"
        time.sleep(1)


def inventory(address: str) -> tuple[set[str], set[tuple[str, str]]]:
    """Return all topics, and all groups with their states."""
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        groups = {(group["group_id"], group["group_state"]) for group in admin.list_groups()}
        return set(admin.list_topics()), groups


def table(partitions: int, groups: int, rows: int, rounds: Sequence[Round]) -> str:
    """Return the figures as a Markdown table."""
    read, derive = [one.read for one in rounds], [one.derive for one in rounds]
    whole = [one.read + one.derive for one in rounds]
    return report.table(
        ["a poll", "median, ms", "slowest, ms"],
        [
            [f"read {partitions:,} partitions, {groups} groups", *_milliseconds(read)],
            [f"derive {rows:,} rows", *_milliseconds(derive)],
            ["together", *_milliseconds(whole)],
        ],
    )


def _milliseconds(seconds: Sequence[float]) -> list[str]:
    return [f"{statistics.median(seconds) * 1000:.0f}", f"{max(seconds) * 1000:.0f}"]


if __name__ == "__main__":
    main()
