"""Runs real programs under `laban run`."""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

LABAN = Path(sys.executable).parent / "laban"
PROGRAMS = Path(__file__).parent / "programs"


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without OTEL_* and LABAN_* variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LABAN_"))}
    return kept | dict(extra or {})


def traced(endpoint: str, service: str, *command: str) -> list[str]:
    """The command line of a program under `laban run`."""
    return [str(LABAN), "run", "--service", service, "--endpoint", endpoint, "--", *command]


def program(name: str) -> list[str]:
    """The command that runs a program of the folder `programs`."""
    return [sys.executable, str(PROGRAMS / f"{name}.py")]


@contextmanager
def running(command: list[str], extra: Mapping[str, str] | None = None) -> Generator[subprocess.Popen[str]]:
    """A process with readable output, killed at the end of the block."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment(extra)
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def line_of(process: subprocess.Popen[str], start: str) -> str:
    """The rest of the first output line that starts with `start`."""
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        if line.startswith(start):
            return line[len(start) :].strip()
        seen.append(line)
    raise AssertionError(f"no line starts with {start!r}: {''.join(seen)}")
