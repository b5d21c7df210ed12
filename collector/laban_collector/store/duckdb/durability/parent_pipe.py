"""A child process ends with its parent: a killed collector leaves no process behind that reads its files."""

import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def parent_pipe() -> Generator[int, None, None]:
    """Yield the standard input for a child that calls `end_with_parent`; it stays open during the block."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


def end_with_parent() -> None:
    """End this process when the pipe of its parent closes; call it once, at the start."""
    threading.Thread(target=_wait, daemon=True).start()


def _wait() -> None:
    # Not by a reader with a lock, which would be in use when this process ends.
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)
