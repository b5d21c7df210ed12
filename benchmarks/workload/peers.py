"""Runs other OTLP backends in separate processes, for comparison. It builds and installs nothing."""

import json
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.workload.servers import Server, free_ports, wait_for

JAEGER_TRACES: Final = 100_000
"""Traces that Jaeger keeps in memory, as in its own all-in-one configuration."""
_VICTORIA_PATH: Final = "/insert/opentelemetry/v1/traces"
_PATIENCE: Final = 30.0
"""Seconds for a backend to start."""


@contextmanager
def rotel(program: Path, _: Path) -> Generator[Server, None, None]:
    """Run rotel, a collector in Rust, configured to decode spans and drop them."""
    grpc, http = _addresses(2)
    options = ["start", "--exporter", "blackhole", "--otlp-grpc-endpoint", grpc, "--otlp-http-endpoint", http]
    with _running([str(program), *options], (grpc, http)) as process:
        yield Server("rotel", process, grpc, http)


@contextmanager
def jaeger(program: Path, data: Path) -> Generator[Server, None, None]:
    """Run Jaeger v2 with its storage in memory."""
    grpc, http, *query = _addresses(4)
    config = data / "jaeger.json"  # JSON is YAML
    config.write_text(json.dumps(_jaeger_config(grpc, http, query)), encoding="utf-8")
    with _running([str(program), "--config", str(config)], (grpc, http)) as process:
        yield Server("Jaeger", process, grpc, http)


@contextmanager
def victoria_traces(program: Path, data: Path) -> Generator[Server, None, None]:
    """Run VictoriaTraces; it acknowledges spans before they are on disk."""
    grpc, http = _addresses(2)
    options = [
        f"-storageDataPath={data / 'victoria'}",
        f"-httpListenAddr={http}",
        f"-otlpGRPCListenAddr={grpc}",
        "-otlpGRPC.tls=false",
        "-retentionPeriod=100y",  # the spans of the shop have fixed times
        "-loggerLevel=ERROR",
    ]
    with _running([str(program), *options], (grpc, http)) as process:
        yield Server("VictoriaTraces", process, grpc, http, path=_VICTORIA_PATH, data=data / "victoria")


def _jaeger_config(grpc: str, http: str, query: Sequence[str]) -> dict[str, object]:
    """Return Jaeger's all-in-one configuration, with only OTLP receivers, on these addresses."""
    query_grpc, query_http = query
    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["batch"],
                    "exporters": ["jaeger_storage_exporter"],
                }
            },
            "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "error"}},
        },
        "extensions": {
            "jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": JAEGER_TRACES}}}},
            "jaeger_query": {
                "storage": {"traces": "memory"},
                "grpc": {"endpoint": query_grpc},
                "http": {"endpoint": query_http},
            },
        },
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": grpc}, "http": {"endpoint": http}}}},
        "processors": {"batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
    }


def _addresses(count: int) -> list[str]:
    return [f"127.0.0.1:{port}" for port in free_ports(count)]


@contextmanager
def _running(command: Sequence[str], addresses: Sequence[str]) -> Generator[int, None, None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for address in addresses:
                wait_for(address, process, _PATIENCE)
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)
