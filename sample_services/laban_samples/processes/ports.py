"""Allocates free loopback ports."""

import random
import socket
from typing import Final

# Below the ephemeral port ranges of Linux (from 32768) and macOS (from 49152): an outgoing connection cannot
# take a free port before its server starts.
_FREE_RANGE: Final = range(20_000, 32_000)


def is_port_free(port: int) -> bool:
    """Return whether a server can listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class PortAllocator:
    """Allocates loopback ports, each one once.

    Args:
        prefer_defaults: try the default port first, so that the documented addresses are valid.

    Attributes:
        conflicts: a message for each default port that was in use.
    """

    def __init__(self, *, prefer_defaults: bool) -> None:
        self._prefer_defaults = prefer_defaults
        self._allocated: set[int] = set()
        self.conflicts: list[str] = []

    def allocate(self, name: str, default: int) -> int:
        """Allocate the default port of a server, or a free port.

        Raises:
            OSError: no port is free.
        """
        if self._prefer_defaults and default not in self._allocated and is_port_free(default):
            self._allocated.add(default)
            return default
        other = self.allocate_any()
        if self._prefer_defaults:
            self.conflicts.append(f"port {default} is in use by another program: {name} uses port {other}")
        return other

    def allocate_any(self) -> int:
        """Allocate a free port.

        Raises:
            OSError: no port is free.
        """
        # SystemRandom, not a seeded generator: two concurrent demos must not draw the same ports.
        for port in random.SystemRandom().sample(_FREE_RANGE, 200):
            if port not in self._allocated and is_port_free(port):
                self._allocated.add(port)
                return port
        raise OSError(f"Found no free port in {_FREE_RANGE.start}–{_FREE_RANGE.stop} in 200 attempts.")
