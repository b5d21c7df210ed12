"""Runs a real `laban serve` in a separate process for tests."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from laban_collector.store.rows import Span

from .otlp import to_otlp

_STOP_S = 20


@dataclass(frozen=True)
class Serving:
    """A running `laban serve`: its database, its addresses and its process."""

    db: Path
    grpc: str
    http: str
    api: str
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        return f"http://{self.api}"

    def send(self, spans: Sequence[Span]) -> None:
        """Export spans over OTLP/HTTP, as a service does."""
        headers = {"content-type": "application/x-protobuf"}
        answer = httpx.post(f"http://{self.http}/v1/traces", content=to_otlp(spans), headers=headers)
        answer.raise_for_status()


@contextmanager
def serving(
    db: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Generator[Serving, None, None]:
    """Start it on free ports, wait until it is ready, and stop it with SIGTERM at the end."""
    command = [sys.executable, "-m", "laban", "serve", "--db", str(db), "--json"]
    for receiver in ("--otlp-grpc", "--otlp-http", "--api"):
        command += [receiver, "127.0.0.1:0"]
    process = subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env=None if environment is None else os.environ | environment,
        cwd=cwd,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"laban serve exited with {process.wait(_STOP_S)} before it was ready"
        yield Serving(db, **json.loads(line), process=process)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        finally:
            process.kill()
            process.communicate()


def laban(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a laban command without LABAN_* and OTEL_* variables and return its output."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("LABAN_", "OTEL_"))}
    return subprocess.run(
        [sys.executable, "-m", "laban", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
        timeout=60,
    )
