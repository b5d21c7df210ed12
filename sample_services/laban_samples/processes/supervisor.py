"""Starts child processes, monitors them, and stops them in the reverse order."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from laban_samples.errors import ProcessFailed
from laban_samples.processes import orphan_cleanup

STOP_TIMEOUT_S: Final = 12.0
"""How long a process may take to stop before it is killed."""
POLL_S: Final = 0.05
TAIL_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class ManagedProcess:
    """One process.

    Attributes:
        name: the display name.
        stage: processes of one stage stop together, higher stages first.
        popen: the process, the leader of its own process group.
        log: the file with its output.
        wanted_status: the exit status of an end that was asked for; None if it must not end.
    """

    name: str
    stage: int
    popen: "subprocess.Popen[bytes]"
    log: Path
    wanted_status: int | None = None

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self.popen.poll() is not None

    @property
    def failed(self) -> bool:
        """Whether the process has ended without being asked to."""
        return self.ended and self.popen.returncode != self.wanted_status

    def tail(self, lines: int = TAIL_LINES) -> str:
        """Return the last lines of its output, indented."""
        output = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(f"    {line}" for line in output) or "    (no output)"

    def failure(self) -> ProcessFailed:
        """Return the error for a process that ended unexpectedly."""
        status = self.popen.returncode
        how = f"was terminated by signal {-status}" if status < 0 else f"ended with status {status}"
        return ProcessFailed(f"{self.name} {how}. Last lines of the log ({self.log}):\n{self.tail()}")


class ProcessSupervisor:
    """Runs child processes; leaving the `with` block stops them.

    Each child leads its own session, so Ctrl-C in the terminal reaches only this process, which then stops
    the children in the right order. If this process is killed, a cleanup process terminates the children.

    Args:
        folder: the folder for the log files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[ManagedProcess] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._cleanup = subprocess.Popen(
            [sys.executable, "-I", "-S", orphan_cleanup.__file__],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._cleanup.communicate(timeout=STOP_TIMEOUT_S)

    def start(
        self,
        name: str,
        command: Sequence[str],
        stage: int,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
        wanted_status: int | None = None,
    ) -> ManagedProcess:
        """Start a process.

        Args:
            name: the display name, also used for the log file.
            command: the program and its arguments.
            stage: the stage in which it is stopped, see `ManagedProcess`.
            env: variables to add to the environment of this process.
            output: the file for its standard output; its log by default.
            wanted_status: see `ManagedProcess`.

        Raises:
            ProcessFailed: the program cannot be started.
        """
        log = self.folder / f"{name}.log"
        with log.open("ab") as errors, (output or log).open("ab") as out:
            try:
                popen = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=errors,
                    env={**_child_environment(), **(env or {})},
                    start_new_session=True,
                )
            except OSError as error:
                raise ProcessFailed(f"{name} could not be started: {error}") from error
        self._notify_cleanup(f"+{popen.pid}")
        process = ManagedProcess(name, stage, popen, log, wanted_status)
        self._processes.append(process)
        return process

    def ended(self) -> list[ManagedProcess]:
        """Return the processes that have ended."""
        return [process for process in self._processes if process.ended]

    def forget_ended(self) -> list[ManagedProcess]:
        """Forget the processes that have ended, and return them; they can be started again."""
        ended = self.ended()
        self._processes = [process for process in self._processes if process not in ended]
        for process in ended:
            _signal(process, signal.SIGKILL)  # the rest of its process group
            self._notify_cleanup(f"-{process.popen.pid}")
        return ended

    def check(self) -> None:
        """Raise an error if a process has ended unexpectedly.

        Raises:
            ProcessFailed: with the name of the process and the last lines of its log.
        """
        for process in self._processes:
            if process.failed:
                raise process.failure()

    def wait_until(self, done: Callable[[], bool], timeout: float, failure: str) -> None:
        """Wait until `done` returns true while all processes run; `timeout` is in seconds.

        Raises:
            ProcessFailed: a process ended, or the timeout passed; `failure` is the error text.
        """
        deadline = time.monotonic() + timeout
        while not done():
            self.check()
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{failure} after {timeout:g} s. Logs: {self.folder}.")
            time.sleep(POLL_S)

    def stop(self, stage: int = 0) -> None:
        """Stop the processes of this stage and of all higher stages, the highest first."""
        stages = {process.stage for process in self._processes if process.stage >= stage}
        for current in sorted(stages, reverse=True):
            self._stop_stage([process for process in reversed(self._processes) if process.stage == current])
        self._processes = [process for process in self._processes if process.stage < stage]

    def _stop_stage(self, processes: Sequence[ManagedProcess]) -> None:
        for process in processes:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for process in processes:
            try:
                process.popen.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                with process.log.open("a") as log:
                    log.write(f"killed: did not stop within {STOP_TIMEOUT_S:g} s\n")
            # Kills the rest of its process group, and the process itself if it still runs.
            _signal(process, signal.SIGKILL)
            process.popen.wait()
            self._notify_cleanup(f"-{process.popen.pid}")

    def _notify_cleanup(self, line: str) -> None:
        assert self._cleanup.stdin is not None  # noqa: S101 - opened with PIPE
        self._cleanup.stdin.write(f"{line}\n".encode())
        self._cleanup.stdin.flush()


def _signal(process: ManagedProcess, number: signal.Signals) -> None:
    try:
        os.killpg(process.popen.pid, number)
    except ProcessLookupError:
        return  # the whole process group has ended


def _child_environment() -> dict[str, str]:
    """Return this environment without LABAN_* variables: they configure the user's own collector."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LABAN_")}
