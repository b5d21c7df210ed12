"""Ends the processes of a demo that cannot end them itself anymore, because it was killed.

Runs as a process of its own and reads from its parent: `+PID` a process group was started, `-PID` it has
ended. When the parent is gone, the pipe ends, and what is still there is ended. This needs nothing but a
pipe, so it works on every Unix; and it works for programs that know nothing of it: a broker, a dashboard.

Standard library only, and nothing of this package: it is started by its path, without site-packages.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_S = 5.0


def follow(lines: Iterable[str]) -> set[int]:
    """The process groups that were started and have not ended, once there are no more lines."""
    alive: set[int] = set()
    for line in lines:
        word = line.strip()
        if word.startswith("+"):
            alive.add(int(word[1:]))
        elif word.startswith("-"):
            alive.discard(int(word[1:]))
    return alive


def end(groups: set[int], grace: float = GRACE_S) -> None:
    """Ask process groups to end, then make them; `grace` is in seconds."""
    left = {group for group in groups if _signal(group, signal.SIGTERM)}
    deadline = time.monotonic() + grace
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if _signal(group, 0)}
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal (0: none); whether there was anybody to take it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # Gone; or gone, and the number belongs to somebody else by now.
        return False
    return True


if __name__ == "__main__":
    end(follow(sys.stdin))
