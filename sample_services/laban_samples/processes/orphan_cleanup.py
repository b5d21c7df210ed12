"""Terminates the child processes of a parent that was killed and cannot stop them itself.

Runs as its own process and reads lines from its parent: `+PID` means that a process group started, `-PID`
that it ended. When the parent dies, the pipe closes and this process terminates the remaining groups. A pipe
works on every Unix, and the child programs, such as a broker or a dashboard, need no change.

Uses only the standard library and no other module of this package, because the parent starts this file by its
path, without site-packages.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_S = 5.0


def remaining_groups(lines: Iterable[str]) -> set[int]:
    """Read all lines; return the process groups that started and have not ended."""
    alive: set[int] = set()
    for line in lines:
        word = line.strip()
        if word.startswith("+"):
            alive.add(int(word[1:]))
        elif word.startswith("-"):
            alive.discard(int(word[1:]))
    return alive


def terminate(groups: set[int], grace: float = GRACE_S) -> None:
    """Send SIGTERM to the process groups, then SIGKILL after `grace` seconds."""
    left = {group for group in groups if _signal(group, signal.SIGTERM)}
    deadline = time.monotonic() + grace
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if _signal(group, 0)}
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal (0: none); return whether the process group exists."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # The group has ended. With PermissionError, another user's group has reused its ID.
        return False
    return True


if __name__ == "__main__":
    terminate(remaining_groups(sys.stdin))
