"""Starts `laban` and other modules quickly: as forks of a process that has imported laban (`fork_server`)."""

import array
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from .fork_server import REPORTED

ROOT: Final = Path(__file__).parents[1]


class ForkedCommand:
    """A running command, with the methods of `subprocess.Popen`."""

    def __init__(self, report: int, command: Sequence[str]) -> None:
        self.returncode: int | None = None
        self._report = report
        self._command = command
        self.pid = self._reported()

    def poll(self) -> int | None:
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(list(self._command), timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended, and its exit code is on its way
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._report], [], [], seconds)[0]:
            self.returncode = self._reported()
            os.close(self._report)
        return self.returncode

    def _reported(self) -> int:
        read = os.read(self._report, REPORTED.size)
        assert read, "the fork server has ended"
        (number,) = REPORTED.unpack(read)
        return int(number)


def start(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path | None = None,
    module: str = "laban",
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> ForkedCommand:
    """Start `python -m MODULE ARGUMENTS`; a standard stream that is None is that of this process."""
    command = [module, *arguments]
    request = {
        "module": module,
        "arguments": list(arguments),
        "environment": dict(environment),
        "cwd": str(cwd or Path.cwd()),
    }
    read, write = os.pipe()
    streams = [default if given is None else given for default, given in enumerate((stdin, stdout, stderr))]
    try:
        rights = array.array("i", [*streams, write])
        _requests().sendmsg([json.dumps(request).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    finally:
        os.close(write)
    return ForkedCommand(read, command)


@cache
def _requests() -> socket.socket:
    """The socket to the fork server of this process, which ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        # In a session of its own: the terminal interrupts this process, which then stops what it has started.
        command = [sys.executable, "-m", f"{__package__}.fork_server"]
        server = subprocess.Popen(command, cwd=ROOT, stdin=theirs.fileno(), start_new_session=True)

    @atexit.register
    def stop() -> None:
        server.terminate()
        server.wait()

    return ours
