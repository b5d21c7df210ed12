"""Runs `laban serve` and `laban` commands in separate processes for tests."""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

import httpx

from laban_collector.store.rows import Span

from . import forked
from .otlp import to_otlp

_STOP_S = 20


class Process(Protocol):
    """The methods that `forked.ForkedCommand` shares with `subprocess.Popen`."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


@dataclass(frozen=True)
class Serving:
    """A running `laban serve`: its database, its addresses and its process."""

    db: Path
    grpc: str
    http: str
    api: str
    process: Process

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
    anew: bool = False,
) -> Generator[Serving, None, None]:
    """Start it on free ports, wait until it is ready, and stop it with SIGTERM at the end.

    `anew` starts a Python for it, as a measurement needs; else it is a fork, which is ready sooner.
    """
    command = ["serve", "--db", str(db), "--json"]
    for receiver in ("--otlp-grpc", "--otlp-http", "--api"):
        command += [receiver, "127.0.0.1:0"]
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as output:
        variables = os.environ | dict(environment or {})
        process: Process = (
            subprocess.Popen(
                [sys.executable, "-m", "laban", *command, *arguments],
                stdout=writing,
                env=variables,
                cwd=cwd,
            )
            if anew
            else forked.start([*command, *arguments], stdout=writing, environment=variables, cwd=cwd)
        )
        os.close(writing)
        try:
            line = output.readline()
            assert line, f"laban serve exited with {process.wait(_STOP_S)} before it was ready"
            yield Serving(db, **json.loads(line), process=process)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            finally:
                process.kill()
                process.wait()


def laban(
    *arguments: str,
    cwd: Path | None = None,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a laban command without the LABAN_* and OTEL_* variables of this process, and return its output."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("LABAN_", "OTEL_"))}
    with TemporaryFile() as given, TemporaryFile() as output, TemporaryFile() as errors:
        given.write(stdin)
        given.seek(0)
        process = forked.start(
            arguments,
            environment=variables | dict(environment or {}),
            cwd=cwd,
            stdin=given.fileno(),
            stdout=output.fileno(),
            stderr=errors.fileno(),
        )
        try:
            code = process.wait(60)
        finally:
            process.kill()
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(arguments, code, output.read().decode(), errors.read().decode())
