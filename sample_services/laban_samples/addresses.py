"""The services of the shop and their default addresses."""

from typing import Final

SERVICES: Final = ("user", "email", "analytics", "pricing", "payment", "inventory", "order")
"""All services; each one follows the services that it calls."""

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


def parse_address(address: str) -> tuple[str, int]:
    """Parse `HOST:PORT` into host and port; an IPv6 host is in brackets.

    Raises:
        ValueError: the text is not an address.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65_535:
        raise ValueError(f"{address!r} is not an address: write HOST:PORT, for example 127.0.0.1:8101.")
    return host.strip("[]"), int(port)
