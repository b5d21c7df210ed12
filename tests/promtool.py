"""Prometheus' own tools: Debian's packages `prometheus` and `prometheus-alertmanager`."""

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import pytest

needs_prometheus: Final = pytest.mark.skipif(
    shutil.which("promtool") is None or shutil.which("prometheus") is None,
    reason="needs Prometheus: apt install prometheus",
)
needs_alertmanager: Final = pytest.mark.skipif(
    shutil.which("prometheus-alertmanager") is None,
    reason="needs the Alertmanager: apt install prometheus-alertmanager",
)


def promtool(*arguments: str, given: bytes = b"", cwd: Path | None = None) -> str:
    """Run promtool; return its output, or fail with it."""
    done = subprocess.run(
        ["promtool", *arguments], input=given, capture_output=True, check=False, cwd=cwd, timeout=60
    )
    output = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, output
    return output


def free_port() -> int:
    """Return a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def server(command: Sequence[str], ready: str, cwd: Path) -> Generator[None, None, None]:
    """Run a server until the block ends; wait until a URL answers."""
    with (cwd / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=cwd)
    try:
        until(lambda: _answers(ready), 60, lambda: (cwd / "server.log").read_text())
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def until(
    is_true: Callable[[], object], seconds: float, why: Callable[[], object] = lambda: "", pause: float = 0.2
) -> None:
    """Wait for a condition; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, why()
        time.sleep(pause)
