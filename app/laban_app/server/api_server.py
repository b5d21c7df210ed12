"""The server of the HTTP API; it answers while the collector starts, at first that it is starting."""

import json
import socket
from http import HTTPStatus
from typing import Any, Final

import uvicorn

from laban_app.answers.served_by import STARTING
from laban_collector.address import Address
from laban_collector.errors import AddressInUse
from laban_collector.receive.asgi import App, Headers, Receive, Scope, Send, respond
from laban_collector.receive.background_server import BackgroundServer
from laban_collector.receive.fast_path import HeaderLimitProtocol
from laban_collector.receive.tls import Identity

_STOP_GRACE_S: Final = 2
"""Seconds for responses in progress; then the receivers stop, and everything must end within 10 s."""
_RETRY: Final[Headers] = [(b"retry-after", b"1")]


class Front:
    """The application that the server runs: the API, or until it is there the answer that it is not.

    Attributes:
        doing: what the collector does at the moment, for the answer.
    """

    def __init__(self) -> None:
        self.doing = "starting"
        self._api: App | None = None

    def open(self, api: App) -> None:
        """Answer requests with the API from now on."""
        self._api = api

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Respond to one request."""
        if self._api is not None:
            await self._api(scope, receive, send)
        else:
            status, answer, headers = self._without_api(scope)
            await respond(send, status, json.dumps(answer).encode(), "application/json", headers)

    def _without_api(self, scope: Scope) -> tuple[int, dict[str, str], Headers]:
        match scope["path"]:
            case "/healthz":
                return HTTPStatus.OK, {"status": "ok"}, []
            case "/readyz":  # open to everyone, so it does not say more
                return HTTPStatus.SERVICE_UNAVAILABLE, {"status": STARTING}, _RETRY
            case _:
                error = f"The collector is not ready: {self.doing}"
                return HTTPStatus.SERVICE_UNAVAILABLE, {"error": error}, _RETRY


class ApiServer:
    """Serves an application at one address.

    Args:
        address: HOST:PORT; port 0 means a free port.
        app: the application, with its access control.
        identity: the TLS certificate; None for no TLS.
    """

    def __init__(self, address: str, app: App, identity: Identity | None) -> None:
        self._address = address
        config = uvicorn.Config(
            app,
            http=HeaderLimitProtocol,
            ws="none",
            interface="asgi3",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_STOP_GRACE_S,
            lifespan="off",
            ssl_certfile=None if identity is None else identity.certificate,
            ssl_keyfile=None if identity is None else identity.key,
        )
        self._server = BackgroundServer(config, "api")

    async def start(self) -> str:
        """Start to answer; returns the HOST:PORT that it is bound to.

        Raises:
            AddressInUse: the address cannot be bound.
        """
        listener = _listening(self._address)
        await self._server.start(listener)
        host, port = listener.getsockname()[:2]
        return str(Address(host, port))

    async def stop(self) -> None:
        """Accept no more requests, and wait for those in progress."""
        await self._server.stop()


def _listening(address: str) -> socket.socket:
    parsed = Address.parse(address)
    family = socket.AF_INET6 if ":" in parsed.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((parsed.host, parsed.port))
    except OSError as error:
        listener.close()
        raise AddressInUse(
            f"The API cannot listen on {address}: {error.strerror}. "
            "Choose another address with --api HOST:PORT."
        ) from error
    return listener
