"""A real Apache Kafka for the tests: one broker in KRaft mode, from the jars that `pom.xml` names.

Nothing is downloaded here. Without Java or without the jars, the tests that ask for `real_kafka` skip and say
what is missing; `.ci/run` provides both.
"""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Iterator
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

# Serial collector, first compiler tier: the broker lives for one test run, so a quick start beats throughput.
JVM_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
    "-Dlog4j2.level=WARN",
)

# One partition for each internal topic instead of 50: they are created while the first test waits.
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
    """The broker ended, or did not answer in time; the text carries the last lines of its log."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What it takes to run Kafka's own main classes."""

    java: str
    libs: Path

    def command(self, main_class: str, *arguments: str) -> list[str]:
        """The command line that runs `main_class` with Kafka on the class path."""
        return [self.java, *JVM_OPTIONS, "-cp", f"{self.libs}/*", main_class, *arguments]


def java_version(java: str) -> int | None:
    """The major version of this `java`, or None where it does not say."""
    answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found.group(1)) if found else None


def find_runtime(libs: Path = LIBS) -> Runtime | str:
    """Java and the jars, or the reason why there is no Kafka to run."""
    java_home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{java_home}/bin") if java_home else shutil.which("java")
    if java is None:
        return "no Java: install a Java 17 runtime (Debian: openjdk-17-jre-headless)"
    version = java_version(java)
    if version is None or version < OLDEST_JAVA:
        return f"Java {OLDEST_JAVA} or newer is needed, {java} is {version or 'of unknown version'}"
    if not any(libs.glob("kafka_*.jar")):
        return "no Kafka jars: run `mvn -f tests/kafka/pom.xml dependency:copy-dependencies`"
    return Runtime(java, libs)


@contextmanager
def running_kafka(runtime: Runtime, folder: Path) -> Generator[str]:
    """Run one broker whose files live in `folder`; give its HOST:PORT, and stop it at the end.

    Raises:
        KafkaStartError: it ended or did not answer within 60 s.
    """
    port, controller_port = free_ports(2)
    settings = folder / "server.properties"
    settings.write_text(
        SETTINGS.format(port=port, controller_port=controller_port, logs=folder / "logs"), encoding="utf-8"
    )
    format_storage(runtime, settings)
    log = folder / "kafka.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            runtime.command("kafka.Kafka", str(settings)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        address = f"127.0.0.1:{port}"
        wait_until_ready(process, address, log)
        yield address
    finally:
        stop(process)


def free_ports(count: int) -> list[int]:
    """Loopback ports that are free now, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def format_storage(runtime: Runtime, settings: Path) -> None:
    """Write the cluster id into the broker's log folder; KRaft starts on formatted folders only."""
    arguments = ("format", "--standalone", "--cluster-id", CLUSTER_ID, "--config", str(settings))
    done = subprocess.run(
        runtime.command("kafka.tools.StorageTool", *arguments), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise KafkaStartError(f"formatting its storage failed:\n{done.stdout}{done.stderr}")


def wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Wait until the broker answers with the metadata of its cluster.

    The port is tried first: a kafka-python client that gives up leaves its network thread behind.
    """
    deadline = time.monotonic() + START_TIMEOUT
    while not accepts(address):
        if process.poll() is not None:
            raise KafkaStartError(f"it ended with {process.returncode}:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise KafkaStartError(f"nothing listens on {address} after {START_TIMEOUT:.0f} s:\n{tail(log)}")
        time.sleep(POLL_INTERVAL)
    with KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=int(START_TIMEOUT * 1000)) as admin:
        brokers = admin.describe_cluster()["brokers"]
    if len(brokers) != 1:
        raise KafkaStartError(f"one broker was expected, {brokers} answered:\n{tail(log)}")


def accepts(address: str) -> bool:
    """Whether something accepts connections there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def tail(log: Path, lines: int = 40) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the broker to stop; end it when it does not, as nobody needs what it stored."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The HOST:PORT of a real Apache Kafka, shared by the whole run: use topics and groups of your own."""
    runtime = find_runtime()
    if isinstance(runtime, str):
        pytest.skip(runtime)
    with running_kafka(runtime, tmp_path_factory.mktemp("kafka")) as address:
        yield address
