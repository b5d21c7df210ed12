"""The private parts of uvicorn that the fast path builds on, and a check that this uvicorn has them."""

import inspect
from typing import Any, Final, cast

import uvicorn
from uvicorn.protocols.http import httptools_impl
from uvicorn.server import ServerState

_CYCLE_PARAMETERS: Final = frozenset(
    {
        "scope",
        "transport",
        "flow",
        "logger",
        "access_logger",
        "access_log",
        "default_headers",
        "message_event",
        "expect_100_continue",
        "keep_alive",
        "on_response",
    }
)
_CYCLE_ATTRIBUTES: Final = frozenset({"response_complete", "keep_alive", "disconnected", "message_event"})
_PROTOCOL_ATTRIBUTES: Final = frozenset(
    {
        "loop",
        "transport",
        "flow",
        "parser",
        "cycle",
        "scope",
        "url",
        "headers",
        "logger",
        "access_logger",
        "server_state",
    }
)
_PROTOCOL_METHODS: Final = frozenset(
    {
        "connection_made",
        "connection_lost",
        "data_received",
        "on_message_begin",
        "on_headers_complete",
        "on_body",
        "on_message_complete",
        "on_response_complete",
        "send_400_response",
    }
)
_STATUS_LINES: Final = {200: b"HTTP/1.1 200 OK\r\n", 503: b"HTTP/1.1 503 Service Unavailable\r\n"}


def differences() -> list[str]:
    """Return how the installed uvicorn differs from what the fast path expects; empty if it does not."""
    module = cast("Any", httptools_impl)
    try:
        cycle, protocol = module.RequestResponseCycle, module.HttpToolsProtocol
        parameters = frozenset(inspect.signature(cycle).parameters)
        found = [*_compare("RequestResponseCycle() parameters", _CYCLE_PARAMETERS, parameters)]
        if not found:
            attributes = frozenset(vars(cycle(**dict.fromkeys(_CYCLE_PARAMETERS))))
            found += _missing("RequestResponseCycle attributes", _CYCLE_ATTRIBUTES, attributes)
        found += _missing("HttpToolsProtocol methods", _PROTOCOL_METHODS, frozenset(dir(protocol)))
        found += _missing("HttpToolsProtocol attributes", _PROTOCOL_ATTRIBUTES, _attributes(protocol))
        if any(module.STATUS_LINE.get(status) != line for status, line in _STATUS_LINES.items()):
            found.append("STATUS_LINE has other lines")
    except Exception as error:  # noqa: BLE001 - private parts may fail in any way; uvicorn works without them
        return [f"{type(error).__name__}: {error}"]
    return found


def _attributes(protocol: Any) -> frozenset[str]:
    """Return the attributes of a connection that has begun to receive a request."""
    config = uvicorn.Config(_no_app, http=protocol, ws="none", lifespan="off", log_config=None)
    no_loop = object()  # the loop is not used before a connection is made
    connection = protocol(config, ServerState(), {}, no_loop)
    connection.on_message_begin()
    return frozenset(vars(connection))


async def _no_app(_scope: object, _receive: object, _send: object) -> None:
    """Take the place of an application; it is never called."""


def _compare(what: str, expected: frozenset[str], found: frozenset[str]) -> list[str]:
    added = [f"{what} have new {', '.join(sorted(found - expected))}"] if found - expected else []
    return [*_missing(what, expected, found), *added]


def _missing(what: str, expected: frozenset[str], found: frozenset[str]) -> list[str]:
    return [f"{what} lack {', '.join(sorted(expected - found))}"] if expected - found else []
