"""Real programs under `laban run`."""

import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

LABAN = Path(sys.executable).parent / "laban"
PROGRAMS = Path(__file__).parent / "programs"


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This environment without its own settings of OpenTelemetry and laban."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LABAN_"))}
    return kept | dict(extra or {})


def traced(endpoint: str, service: str, *command: str) -> list[str]:
    """The command line of a program under `laban run`."""
    return [str(LABAN), "run", "--service", service, "--endpoint", endpoint, "--", *command]


def program(name: str) -> list[str]:
    """The command that runs one of the programs beside these tests."""
    return [sys.executable, str(PROGRAMS / f"{name}.py")]


@contextmanager
def running(command: list[str], extra: Mapping[str, str] | None = None) -> Generator[subprocess.Popen[str]]:
    """A process whose output can be read; ended when the block ends, whatever happened."""
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
    """What follows `start` in the first line of output that starts with it."""
    assert process.stdout is not None
    seen: list[str] = []
    for line in process.stdout:
        if line.startswith(start):
            return line[len(start) :].strip()
        seen.append(line)
    raise AssertionError(f"no line starts with {start!r}: {''.join(seen)}")
