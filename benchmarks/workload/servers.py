"""Runs collectors in separate processes and reads their resource usage."""

import importlib.util
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import httpx

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE: Final = 0.03
"""Processor seconds per second below which a server is idle."""
_LONGEST_REST: Final = 30.0
"""Seconds to wait at most until a server is idle."""


class Server(NamedTuple):
    """A running collector. Addresses are HOST:PORT; the process is None if the benchmark did not start it.

    Attributes:
        path: where it takes traces over HTTP.
        data: the file or directory in which it stores them; None if it stores nothing on disk.
    """

    name: str
    process: int | None
    grpc: str
    http: str
    api: str = ""
    path: str = "/v1/traces"
    data: Path | None = None

    def cpu_seconds(self) -> float:
        """Return the processor time used so far, in seconds (Linux); NaN if the process is unknown."""
        if self.process is None:
            return math.nan
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def peak_rss(self) -> int:
        """Return the peak resident memory, in bytes (Linux)."""
        for line in Path(f"/proc/{self.process}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"/proc has no VmHWM of process {self.process}")


@contextmanager
def laban(database: Path, environment: Mapping[str, str] | None = None) -> Generator[Server, None, None]:
    """Run `laban serve` on a new database, with some more variables of the environment."""
    variables = os.environ | dict(environment or {})
    with subprocess.Popen(serve(database), stdout=subprocess.PIPE, text=True, env=variables) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Server("laban", process.pid, ready["grpc"], ready["http"], ready["api"], data=database)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def serve(database: Path) -> list[str]:
    """Return the command of a collector on free ports, which it prints as JSON when it is ready."""
    command = [sys.executable, "-m", "laban", "serve", "--db", str(database), "--json"]
    for option in ("--otlp-grpc", "--otlp-http", "--api"):
        command += [option, "127.0.0.1:0"]
    return command


def rotel_agent() -> Path | None:
    """Return the path of rotel's program if its wheel is installed (`pip install rotel`)."""
    spec = importlib.util.find_spec("rotel")
    agent = Path(spec.origin).with_name("rotel-agent") if spec is not None and spec.origin else None
    return agent if agent is not None and agent.exists() else None


def count_all(server: Server) -> None:
    """Wait until a laban has counted all spans: a map contains them."""
    httpx.get(f"http://{server.api}/api/v1/map", timeout=60).raise_for_status()


def rest(server: Server) -> None:
    """Wait until a server is idle: it may still store and count what it has acknowledged."""
    until = time.monotonic() + _LONGEST_REST
    if server.api:
        count_all(server)
    time.sleep(2.5)  # laban loads what it has acknowledged after 2 s
    before, used = server.cpu_seconds(), 1.0
    while used > _IDLE and time.monotonic() < until:
        time.sleep(1.0)
        now = server.cpu_seconds()
        before, used = now, now - before


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in listening]
    for one in listening:
        one.close()
    return ports


def wait_for(address: str, process: "subprocess.Popen[bytes]", patience: float = 10.0) -> None:
    """Wait until a process listens at an address.

    Raises:
        ConnectionRefusedError: it has ended, or does not listen after `patience` seconds.
    """
    host, _, port = address.rpartition(":")
    deadline = time.monotonic() + patience
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except ConnectionRefusedError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
