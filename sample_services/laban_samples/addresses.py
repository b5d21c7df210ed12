"""Where the services of the shop listen unless told otherwise, and how a free port is found."""

import random
import socket
from typing import Final

SERVICES: Final = ("user", "email", "analytics", "pricing", "payment", "inventory", "order")
"""All services of the shop; each comes after those that it calls."""

HTTP_PORTS: Final = {
    "order": 8101,
    "inventory": 8102,
    "pricing": 8103,
    "user": 8104,
    "payment": 8105,
    "email": 8106,
    "analytics": 8107,
}
GRPC_PORTS: Final = {"inventory": 9102, "pricing": 9103, "payment": 9105}

# Below the ranges from which Linux (32768 up) and macOS (49152 up) take the ports of outgoing connections:
# a port that is free now cannot be taken by some connection before its server has started.
_FREE_RANGE: Final = range(20_000, 32_000)


def split(address: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`; IPv6 hosts stand in brackets.

    Raises:
        ValueError: the text is no such address.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{address!r} is no address: write HOST:PORT, for example 127.0.0.1:8101.")
    return host.strip("[]"), int(port)


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


class Ports:
    """Hands out loopback ports, each one once.

    Args:
        usual: try the usual port first, so that people find things where the documents say.

    Attributes:
        moved: a note on each usual port that was in use.
    """

    def __init__(self, *, usual: bool) -> None:
        self._usual = usual
        self._taken: set[int] = set()
        self.moved: list[str] = []

    def take(self, what: str, port: int) -> int:
        """The usual port of something, or a free one.

        Raises:
            OSError: there is no free port.
        """
        if self._usual and port not in self._taken and is_free(port):
            self._taken.add(port)
            return port
        other = self.any()
        if self._usual:
            self.moved.append(f"port {port} is in use by another program: {what} is on {other}")
        return other

    def any(self) -> int:
        """A free port.

        Raises:
            OSError: there is none.
        """
        # Drawn from the system, not from a seed: two demos at a time must not draw the same ones.
        for port in random.SystemRandom().sample(_FREE_RANGE, 200):
            if port not in self._taken and is_free(port):
                self._taken.add(port)
                return port
        raise OSError(f"Found no free port in {_FREE_RANGE.start}–{_FREE_RANGE.stop} in 200 attempts.")
