"""A real Apache Kafka of two brokers, of which the second can be paused and killed."""

import signal
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata

from .real_kafka import (
    POLL_INTERVAL,
    START_TIMEOUT,
    Runtime,
    accepts,
    format_storage,
    free_ports,
    running_kafka,
    start,
    stop,
    tail,
)

FIRST, SECOND = 1, 2

# A broker that is gone is missed within seconds. One partition of offsets for each broker. A topic that
# somebody only asks for would be created.
BOTH = """\
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
offsets.topic.num.partitions=2
auto.create.topics.enable=true
"""

OF_SECOND = """\
process.roles=broker
node.id=2
listeners=PLAINTEXT://127.0.0.1:{port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
log.dirs={logs}
"""


@dataclass(frozen=True, slots=True)
class TwoBrokers:
    """A running cluster.

    Attributes:
        address: HOST:PORT of the first broker.
        second: the process of the second broker.
    """

    address: str
    second: subprocess.Popen[bytes]

    def pause(self) -> None:
        """Let the second broker keep its connections, and answer nothing."""
        self.second.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the second broker go on."""
        self.second.send_signal(signal.SIGCONT)

    def create_topic(self, name: str, leaders: Sequence[int]) -> None:
        """Create a topic with one partition for each leader, which has its only copy."""
        assigned = {number: [leader] for number, leader in enumerate(leaders)}
        with KafkaAdminClient(bootstrap_servers=self.address) as admin:
            admin.create_topics({name: {"assignments": assigned}})
            admin.wait_for_topics([name])

    def commit(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
        """Commit offsets for a group."""
        places = {TopicPartition(*place): OffsetAndMetadata(n, "", -1) for place, n in offsets.items()}
        consumer = KafkaConsumer(bootstrap_servers=self.address, group_id=group, enable_auto_commit=False)
        consumer.assign(list(places))
        consumer.commit(places)
        consumer.close()


@contextmanager
def running_two_brokers(runtime: Runtime, folder: Path) -> Generator[TwoBrokers]:
    """Run the cluster with its files in `folder`, and stop it at the end."""
    with running_kafka(runtime, folder, BOTH) as address:
        (port,) = free_ports(1)
        settings = folder / "second.properties"
        first = (folder / "server.properties").read_text(encoding="utf-8")
        own = OF_SECOND.format(port=port, logs=folder / "second")
        settings.write_text(first + own, encoding="utf-8")
        format_storage(runtime, settings, role="--no-initial-controllers")
        log = folder / "second.log"
        process = start(runtime, settings, log)
        try:
            wait_for_both(address, f"127.0.0.1:{port}", process, log)
            yield TwoBrokers(address, process)
        finally:
            process.send_signal(signal.SIGCONT)
            stop(process)


def wait_for_both(address: str, second: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the first broker knows the second, which opens its port later."""
    deadline = time.monotonic() + START_TIMEOUT
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        while len(living_brokers(admin)) < 2 or not accepts(second):
            assert process.poll() is None, tail(log)
            assert time.monotonic() < deadline, tail(log)
            time.sleep(POLL_INTERVAL)


def living_brokers(admin: KafkaAdminClient) -> list[int]:
    """Return the brokers that the cluster uses."""
    brokers = admin.describe_cluster()["brokers"]
    return [broker["broker_id"] for broker in brokers if not broker.get("is_fenced")]
