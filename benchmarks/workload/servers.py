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
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")


class Server(NamedTuple):
    """A running collector. Addresses are HOST:PORT; the process is None if the benchmark did not start it."""

    name: str
    process: int | None
    grpc: str
    http: str
    api: str = ""

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
def laban(database: Path) -> Generator[Server, None, None]:
    """Run `laban serve` on a new database."""
    free = "127.0.0.1:0"
    command = [sys.executable, "-m", "laban", "serve", "--db", str(database), "--json"]
    for option in ("--otlp-grpc", "--otlp-http", "--api"):
        command += [option, free]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Server("laban", process.pid, ready["grpc"], ready["http"], ready["api"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def rotel_agent() -> Path | None:
    """Return the path of rotel's program if its wheel is installed (`pip install rotel`)."""
    spec = importlib.util.find_spec("rotel")
    agent = Path(spec.origin).with_name("rotel-agent") if spec is not None and spec.origin else None
    return agent if agent is not None and agent.exists() else None


@contextmanager
def rotel(agent: Path) -> Generator[Server, None, None]:
    """Run rotel, a collector in Rust, configured to decode spans and drop them."""
    grpc, http = (f"127.0.0.1:{port}" for port in _free_ports(2))
    command = [str(agent), "start", "--exporter", "blackhole"]
    command += ["--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for address in (grpc, http):
                _wait_for(address, process)
            yield Server("rotel", process.pid, grpc, http)
        finally:
            process.terminate()
            process.wait(60)


def _free_ports(count: int) -> list[int]:
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in listening]
    for one in listening:
        one.close()
    return ports


def _wait_for(address: str, process: "subprocess.Popen[bytes]", patience: float = 10.0) -> None:
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
