"""Runs laban for the demo: the collector, the dashboard, and the query commands."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import httpx

from laban_samples.demo.shop_processes import BUSINESS_KEY_RULES
from laban_samples.errors import ProcessFailed
from laban_samples.processes.ports import PortAllocator
from laban_samples.processes.supervisor import ProcessSupervisor

READY_TIMEOUT_S: Final = 60.0
ANSWER_TIMEOUT_S: Final = 60.0
GRPC_PORT: Final = 4317
HTTP_PORT: Final = 4318
API_PORT: Final = 4320
DASHBOARD_PORT: Final = 8501

Json = dict[str, Any]
"""An answer in laban's documented `--json` format."""


@dataclass(frozen=True, slots=True)
class CollectorProcess:
    """A running collector.

    Attributes:
        grpc: HOST:PORT of OTLP over gRPC.
        http: HOST:PORT of OTLP over HTTP.
        api: HOST:PORT of the API.
    """

    grpc: str
    http: str
    api: str

    def lag(self) -> list[Json]:
        """Return the newest lag reading of each consumer group, topic and partition."""
        answer = httpx.get(f"http://{self.api}/api/v1/lag", timeout=5).raise_for_status().json()
        return [{**row, "group": group["group"]} for group in answer["groups"] for row in group["topics"]]


def start_collector(
    supervisor: ProcessSupervisor,
    ports: PortAllocator,
    database: Path,
    kafka: str | None,
    lag_interval: float,
    stage: int,
    kafka_environment: Mapping[str, str] = MappingProxyType({}),
) -> CollectorProcess:
    """Start `laban serve`, and wait until it is ready.

    Args:
        supervisor: the processes of the demo.
        ports: allocates the ports of the collector.
        database: the database file.
        kafka: HOST:PORT of the broker whose consumer lag it polls; None for no polling.
        lag_interval: the polling interval in seconds.
        stage: the stop stage.
        kafka_environment: the LABAN_KAFKA_* variables with the security of the broker.

    Raises:
        ProcessFailed: it ended, or was not ready in time.
    """
    options = {
        "--db": str(database),
        "--otlp-grpc": f"127.0.0.1:{ports.allocate('OTLP over gRPC', GRPC_PORT)}",
        "--otlp-http": f"127.0.0.1:{ports.allocate('OTLP over HTTP', HTTP_PORT)}",
        "--api": f"127.0.0.1:{ports.allocate('the API', API_PORT)}",
    }
    if kafka:
        options["--kafka"] = kafka
    ready = supervisor.folder / "collector.json"
    command = [*_laban("serve"), *(word for option in options.items() for word in option), "--json"]
    env = {**kafka_environment, "LABAN_KEYS": BUSINESS_KEY_RULES, "LABAN_LAG_INTERVAL": str(lag_interval)}
    supervisor.start("collector", command, stage, env, output=ready)
    supervisor.wait_until(
        lambda: ready.read_text().endswith("\n"), READY_TIMEOUT_S, "the collector is not ready"
    )
    addresses = json.loads(ready.read_text())
    return CollectorProcess(addresses["grpc"], addresses["http"], addresses["api"])


def start_dashboard(
    supervisor: ProcessSupervisor, ports: PortAllocator, collector: CollectorProcess, stage: int
) -> str:
    """Start `laban dashboard`, wait until it is ready, and return its URL.

    Raises:
        ProcessFailed: it ended, or was not ready in time.
    """
    url = f"http://127.0.0.1:{(port := ports.allocate('the dashboard', DASHBOARD_PORT))}"
    command = [*_laban("dashboard"), "--url", f"http://{collector.api}", "--port", str(port)]
    supervisor.start("dashboard", command, stage)

    def is_ready() -> bool:
        try:
            return httpx.get(f"{url}/_stcore/health", timeout=2).is_success
        except httpx.TransportError:
            return False  # not listening yet

    supervisor.wait_until(is_ready, READY_TIMEOUT_S, "the dashboard is not ready")
    return url


def query_laban(command: str, database: Path) -> Json:
    """Return the answer of `laban COMMAND --json --db FILE`.

    Raises:
        ProcessFailed: the command failed; with its error output.
    """
    answer: Json = json.loads(run_laban(command, "--json", "--db", str(database)))
    return answer


def run_laban(*arguments: str) -> str:
    """Run a laban command and return its standard output.

    Raises:
        ProcessFailed: the exit status is not 0; with its error output.
    """
    done = subprocess.run(
        _laban(*arguments), capture_output=True, text=True, timeout=ANSWER_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise ProcessFailed(
            f"laban {' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr}"
        )
    return done.stdout


def reading_time(row: Json) -> datetime:
    """Return the time of a lag reading."""
    return datetime.fromisoformat(row["time"])


def _laban(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "laban", *arguments]
