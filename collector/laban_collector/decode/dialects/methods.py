"""RPC methods: service and method from a full method name, which current conventions write."""

from typing import Final, NamedTuple

FULL: Final = "/"
"""A pattern that full names match."""
_SLASHED: Final = frozenset(("grpc", "connectrpc", "dubbo"))
"""RPC systems with full method names. A method of another one (JSON-RPC) may contain a slash of its own."""


class Method(NamedTuple):
    """An RPC method and its service; None if it is unknown."""

    service: str | None
    method: str


def split_method(system: str | None, service: str | None, method: str) -> Method:
    """Return the service and the method of a full method name, `shop.Orders/Get`."""
    found, _, short = method.lstrip("/").rpartition("/")
    if system not in _SLASHED or not found or not short or service not in (None, found):
        return Method(service, method)
    return Method(found, short)
