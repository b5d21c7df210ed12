"""Runs a real NATS server on a free loopback port, with JetStream in a folder."""

import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ...kafka.real_kafka import accepts, free_ports, stop
from .rabbitmq import wait_for

MISSING = "no NATS: install it (Debian: nats-server)"


def find_server() -> str | None:
    """The path of the program, or None; Debian installs it in /usr/sbin."""
    return shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin")


@contextmanager
def running_nats(server: str, folder: Path) -> Generator[str]:
    """Run one server, yield its nats:// URL, and stop it at the end."""
    (port,) = free_ports(1)
    log = folder / "nats.log"
    command = [server, "--addr", "127.0.0.1", "--port", str(port), "--jetstream"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--store_dir", str(folder / "jetstream")], stdout=output, stderr=output
        )
    try:
        wait_for(process, lambda: accepts(f"127.0.0.1:{port}"), log)
        yield f"nats://127.0.0.1:{port}"
    finally:
        stop(process)
