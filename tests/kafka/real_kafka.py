"""A real Apache Kafka for the tests: one broker in KRaft mode, from the JARs in `pom.xml`.

This module downloads nothing. Without Java or the JARs, tests that use `real_kafka` skip and print what is
missing; `.ci/run` installs both.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

LIBS = Path(__file__).parent / ".kafka" / "libs"
OLDEST_JAVA = 17
CLUSTER_ID = "bGFiYW4tdGVzdHMtMDAwMA"
START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0
POLL_INTERVAL = 0.05

# Serial collector, first compiler tier: for one test run, a quick start matters more than throughput.
JVM_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Dlog4j2.level=WARN",
)

# One partition per internal topic instead of 50: the broker creates them while the first test waits.
SETTINGS = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
log.dirs={logs}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


class KafkaStartError(AssertionError):
    """The broker exited or did not answer in time; the message has the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The Java program and the folder of JARs that run Kafka's main classes."""

    java: str
    libs: Path

    def command(self, main_class: str, *arguments: str) -> list[str]:
        """Return the command line that runs `main_class` with Kafka on the class path."""
        return [self.java, *JVM_OPTIONS, "-cp", f"{self.libs}/*", main_class, *arguments]


def java_version(java: str) -> int | None:
    """Return the major version of this `java`, or None if it is unknown."""
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found.group(1)) if found else None


def find_runtime(libs: Path = LIBS) -> Runtime | str:
    """Return Java and the JARs, or the reason why Kafka cannot run."""
    java_home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{java_home}/bin") if java_home else shutil.which("java")
    if java is None:
        return "Java is missing: install a Java 17 runtime (Debian: openjdk-17-jre-headless)"
    version = java_version(java)
    if version is None or version < OLDEST_JAVA:
        return f"Java {OLDEST_JAVA} or newer is needed, {java} is {version or 'of unknown version'}"
    if not any(libs.glob("kafka_*.jar")):
        return "the Kafka JARs are missing: run `mvn -f tests/kafka/pom.xml dependency:copy-dependencies`"
    return Runtime(java, libs)


@contextmanager
def running_kafka(
    runtime: Runtime, folder: Path, more: str = "", scram: Sequence[str] = ()
) -> Generator[str]:
    """Run one broker with its files in `folder`, yield its HOST:PORT, and stop it at the end.

    Args:
        runtime: Java and the JARs.
        folder: an empty folder.
        more: settings that are added to the usual ones, or replace them; `{port}` is that of the broker.
        scram: users for SCRAM, as StorageTool expects them.

    Raises:
        KafkaStartError: the broker exited or did not answer within 60 s.
    """
    port, controller_port = free_ports(2)
    settings = folder / "server.properties"
    text = (SETTINGS + more).format(port=port, controller_port=controller_port, logs=folder / "logs")
    settings.write_text(text, encoding="utf-8")
    format_storage(runtime, settings, scram)
    log = folder / "kafka.log"
    process = start(runtime, settings, log)
    try:
        address = f"127.0.0.1:{port}"
        wait_until_ready(process, address, log)
        yield address
    finally:
        stop(process)


def start(runtime: Runtime, settings: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start Kafka with these settings."""
    with log.open("wb") as output:
        return subprocess.Popen(
            runtime.command("kafka.Kafka", str(settings)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def free_ports(count: int) -> list[int]:
    """Return different loopback ports that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def format_storage(
    runtime: Runtime, settings: Path, scram: Sequence[str] = (), role: str = "--standalone"
) -> None:
    """Write the cluster ID into the broker's log folder; KRaft requires a formatted folder."""
    users = [word for user in scram for word in ("--add-scram", user)]
    arguments = ("format", role, "--cluster-id", CLUSTER_ID, "--config", str(settings), *users)
    done = subprocess.run(
        runtime.command("kafka.tools.StorageTool", *arguments), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise KafkaStartError(f"StorageTool could not format the storage:\n{done.stdout}{done.stderr}")


def wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait until the broker returns the metadata of its cluster.

    Try the port first: a kafka-python client that gives up leaves its network thread running.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while not accepts(address):
        if process.poll() is not None:
            raise KafkaStartError(f"the broker exited with {process.returncode}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise KafkaStartError(f"no broker listens on {address} after {START_TIMEOUT:.0f} s:\n{tail(log)}")
        time.sleep(POLL_INTERVAL)
    with KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=int(START_TIMEOUT * 1000)) as admin:
        brokers = admin.describe_cluster()["brokers"]
    if len(brokers) != 1:
        raise KafkaStartError(f"expected one broker, got {brokers}:\n{tail(log)}")


def accepts(address: str) -> bool:
    """Return whether the address accepts connections."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def tail(log: Path, lines: int = 40) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the broker to stop; kill it if it does not, because nobody needs its data."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a real Apache Kafka that the whole run shares; use unique topics and groups."""
    runtime = find_runtime()
    if isinstance(runtime, str):
        pytest.skip(runtime)
    with running_kafka(runtime, tmp_path_factory.mktemp("kafka")) as address:
        yield address
