"""The address of a peer (`host:port`, gRPC target, bootstrap server) as span attributes."""

import re
from typing import Final

from laban import vocabulary

_HOST_PORT: Final = re.compile(
    r"(?:(?:dns|ipv4|ipv6|xds|passthrough):(?://[^/]*/)?)?"  # a gRPC scheme and authority
    r"(?:\[(?P<ip6>[^\]]+)\]|(?P<host>[^:,/\[\]]+))"
    r"(?::(?P<port>\d+))?"
)


def peer_attributes(address: str) -> dict[str, str | int]:
    """`server.address` and `server.port` of `pricing:50051`, `dns:///pricing:50051`, `[::1]:9092` etc.

    Uses the first address of a comma-separated list. Empty for an address without a host (a Unix socket).
    """
    match = _HOST_PORT.fullmatch(address.partition(",")[0].strip())
    if match is None:
        return {}
    attributes: dict[str, str | int] = {vocabulary.SERVER_ADDRESS: match["ip6"] or match["host"]}
    if match["port"]:
        attributes[vocabulary.SERVER_PORT] = int(match["port"])
    return attributes
