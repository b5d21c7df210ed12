"""laban beside the shop: the collector and the dashboard as processes, and the commands that ask."""

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from laban_samples.addresses import Ports
from laban_samples.errors import PartFailed
from laban_samples.processes import Parts
from laban_samples.shop import KEYS

READY_TIMEOUT_S: Final = 60.0
ANSWER_TIMEOUT_S: Final = 60.0
GRPC_PORT: Final = 4317
HTTP_PORT: Final = 4318
API_PORT: Final = 4320
DASHBOARD_PORT: Final = 8501

Json = dict[str, Any]
"""An answer of laban; its shape is that of its documented `--json`."""


@dataclass(frozen=True, slots=True)
class Collector:
    """A collector that runs.

    Attributes:
        grpc: HOST:PORT of its OTLP over gRPC.
        http: HOST:PORT of its OTLP over HTTP.
        api: HOST:PORT of its API.
    """

    grpc: str
    http: str
    api: str

    def lag(self) -> list[Json]:
        """The newest reading of each (group, topic, partition) by its poller, with its `group`."""
        answer = httpx.get(f"http://{self.api}/api/v1/lag", timeout=5).raise_for_status().json()
        return [{**row, "group": group["group"]} for group in answer["groups"] for row in group["topics"]]


def start_collector(
    parts: Parts, ports: Ports, database: Path, kafka: str | None, lag_interval: float, stage: int
) -> Collector:
    """Start `laban serve`; it receives when this returns.

    Args:
        parts: the processes of the demo.
        ports: where it takes its own from.
        database: the file that it writes.
        kafka: HOST:PORT of a broker whose lags it polls, if any.
        lag_interval: how often, in seconds.
        stage: when it is stopped.

    Raises:
        PartFailed: it ended, or was not ready in time.
    """
    options = {
        "--db": str(database),
        "--otlp-grpc": f"127.0.0.1:{ports.take('OTLP over gRPC', GRPC_PORT)}",
        "--otlp-http": f"127.0.0.1:{ports.take('OTLP over HTTP', HTTP_PORT)}",
        "--api": f"127.0.0.1:{ports.take('the API', API_PORT)}",
    }
    if kafka:
        options["--kafka"] = kafka
    ready = parts.folder / "collector.json"
    command = [*_laban("serve"), *(word for option in options.items() for word in option), "--json"]
    env = {"LABAN_KEYS": KEYS, "LABAN_LAG_INTERVAL": str(lag_interval)}
    parts.start("collector", command, stage, env, output=ready)
    parts.wait_until(lambda: ready.read_text().endswith("\n"), READY_TIMEOUT_S, "the collector is not ready")
    places = json.loads(ready.read_text())
    return Collector(places["grpc"], places["http"], places["api"])


def start_dashboard(parts: Parts, ports: Ports, collector: Collector, stage: int) -> str:
    """Start `laban dashboard`; its URL, where it answers when this returns.

    Raises:
        PartFailed: it ended, or was not ready in time.
    """
    url = f"http://127.0.0.1:{(port := ports.take('the dashboard', DASHBOARD_PORT))}"
    command = [*_laban("dashboard"), "--url", f"http://{collector.api}", "--port", str(port)]
    parts.start("dashboard", command, stage)

    def is_ready() -> bool:
        try:
            return httpx.get(f"{url}/_stcore/health", timeout=2).is_success
        except httpx.TransportError:
            return False  # it does not listen yet

    parts.wait_until(is_ready, READY_TIMEOUT_S, "the dashboard is not ready")
    return url


def ask(question: str, database: Path) -> Json:
    """What `laban QUESTION --json --db FILE` answers.

    Raises:
        PartFailed: it did not answer; says what it said.
    """
    answer: Json = json.loads(run_laban(question, "--json", "--db", str(database)))
    return answer


def run_laban(*arguments: str) -> str:
    """The standard output of a laban command.

    Raises:
        PartFailed: it ended with a status other than 0; says what it said.
    """
    done = subprocess.run(
        _laban(*arguments), capture_output=True, text=True, timeout=ANSWER_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise PartFailed(f"laban {' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr}")
    return done.stdout


def read_time(row: Json) -> datetime:
    """When a lag was read."""
    return datetime.fromisoformat(row["time"])


def _laban(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "laban", *arguments]
