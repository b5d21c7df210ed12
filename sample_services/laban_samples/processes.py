"""The processes of a demo: started in order, watched, stopped in the reverse order, none left behind."""

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

from laban_samples import reaper
from laban_samples.errors import PartFailed

STOP_TIMEOUT_S: Final = 12.0
"""How long a part may take to stop before it is killed."""
POLL_S: Final = 0.05
TAIL_LINES: Final = 12


@dataclass(frozen=True, slots=True)
class Part:
    """One process.

    Attributes:
        name: what people call it.
        stage: parts of one stage stop together, higher stages first.
        process: the process, leader of a group of its own.
        log: the file with everything that it says.
    """

    name: str
    stage: int
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def ended(self) -> bool:
        """Whether it is not running anymore."""
        return self.process.poll() is not None

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The last lines that it said, indented."""
        said = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(f"    {line}" for line in said) or "    (it said nothing)"

    def failure(self) -> PartFailed:
        """What to raise when it has ended by itself."""
        status = self.process.returncode
        how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return PartFailed(f"{self.name} {how}. Its last lines ({self.log}):\n{self.tail()}")


class Parts:
    """All processes of a demo; leaving the `with` block stops them.

    Each is the leader of a session of its own: Ctrl-C in the terminal reaches the demo alone, which then
    stops them in the right order. A reaper process ends them if this one is killed.

    Args:
        folder: where their logs go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parts: list[Part] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", reaper.__file__], stdin=subprocess.PIPE, start_new_session=True
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._reaper.communicate(timeout=STOP_TIMEOUT_S)

    def start(
        self,
        name: str,
        command: Sequence[str],
        stage: int,
        env: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> Part:
        """Start a process.

        Args:
            name: what people call it; also names its log.
            command: what to run.
            stage: when it is stopped; see `Part`.
            env: added to the environment of this process.
            output: where its standard output goes; to its log by default.

        Raises:
            PartFailed: there is no such program.
        """
        log = self.folder / f"{name}.log"
        with log.open("ab") as said, (output or log).open("ab") as out:
            try:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=said,
                    env={**_surroundings(), **(env or {})},
                    start_new_session=True,
                )
            except OSError as error:
                raise PartFailed(f"{name} could not be started: {error}") from error
        self._tell_reaper(f"+{process.pid}")
        part = Part(name, stage, process, log)
        self._parts.append(part)
        return part

    def ended(self) -> list[Part]:
        """The parts that ended by themselves."""
        return [part for part in self._parts if part.ended]

    def check(self) -> None:
        """Raise if a part has ended by itself.

        Raises:
            PartFailed: names it, with its last lines.
        """
        for part in self.ended():
            raise part.failure()

    def wait_until(self, done: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait until something is so, while all parts run; `timeout` is in seconds.

        Raises:
            PartFailed: a part ended by itself, or `what` did not come to be in time.
        """
        deadline = time.monotonic() + timeout
        while not done():
            self.check()
            if time.monotonic() > deadline:
                raise PartFailed(f"{what} after {timeout:g} s. The logs are in {self.folder}.")
            time.sleep(POLL_S)

    def stop(self, stage: int = 0) -> None:
        """Stop the parts of this stage and of all higher ones, the highest first."""
        for present in sorted({part.stage for part in self._parts if part.stage >= stage}, reverse=True):
            self._stop_stage([part for part in reversed(self._parts) if part.stage == present])
        self._parts = [part for part in self._parts if part.stage < stage]

    def _stop_stage(self, parts: Sequence[Part]) -> None:
        for part in parts:
            _signal(part, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for part in parts:
            try:
                part.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                with part.log.open("a") as log:
                    log.write(f"killed: it did not stop within {STOP_TIMEOUT_S:g} s\n")
            # The rest of its group, and itself if it did not want to.
            _signal(part, signal.SIGKILL)
            part.process.wait()
            self._tell_reaper(f"-{part.process.pid}")

    def _tell_reaper(self, line: str) -> None:
        assert self._reaper.stdin is not None  # noqa: S101 - it was asked for
        self._reaper.stdin.write(f"{line}\n".encode())
        self._reaper.stdin.flush()


def _signal(part: Part, number: signal.Signals) -> None:
    try:
        os.killpg(part.process.pid, number)
    except ProcessLookupError:
        return  # it has ended, and nobody of its group is left


def _surroundings() -> dict[str, str]:
    """Our environment, less the settings that are meant for a collector of the user's own, its token say."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LABAN_")}
