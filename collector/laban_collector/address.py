"""Network addresses as HOST:PORT, and which of them other machines can reach."""

import ipaddress
import re
from functools import lru_cache
from typing import Final, NamedTuple, Self

_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>[0-9]{1,5})", re.ASCII
)

_HOSTS: Final = 256
"""Cached host names; most requests contain the same one."""


class Address(NamedTuple):
    """A host and a port. Port 0 means a free port, chosen when the address is bound."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `127.0.0.1:4317`, `localhost:0` or `[::1]:4317`.

        Raises:
            ValueError: the text is not an address; the message shows the expected form.
        """
        match = _ADDRESS.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:4317 or [::1]:4317")
        port = int(match["port"])
        if port > 65535:
            raise ValueError(f"{text!r} has port {port}; the highest port is 65535")
        return cls(match["v6"] or match["host"], port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@lru_cache(_HOSTS)
def is_loopback(host: str) -> bool:
    """Whether a host is reachable from this machine only: `localhost`, 127.0.0.0/8 or ::1."""
    host = host.lower()
    return host == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)


@lru_cache(_HOSTS)
def is_ip(host: str) -> bool:
    """Whether a host is an IP address, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
