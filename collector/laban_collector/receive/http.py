"""OTLP over HTTP: POST /v1/traces, protobuf, plain or gzip, on uvicorn."""

import asyncio
import math
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

from laban_collector.address import Address
from laban_collector.errors import AddressInUse, CollectorError
from laban_collector.receive.body import ENCODINGS, Disconnected, Receive, Send, read_body, too_large
from laban_collector.receive.otlp import TRACES_ONLY, Submit, acknowledge, refuse

TRACES_PATH: Final = "/v1/traces"
PROTOBUF: Final = "application/x-protobuf"

_OTHER_SIGNALS: Final = ("/v1/logs", "/v1/metrics", "/v1development/profiles")
_GRACE: Final = 5
"""Seconds that requests in progress have to end in when the receiver stops."""
# The SDKs send every 5 s by default: a shorter time-out would close the connection under each request.
_KEEP_ALIVE: Final = 75

Scope = Mapping[str, Any]
Headers = list[tuple[bytes, bytes]]


class TracesApp:
    """The ASGI application; bodies go to `submit`."""

    def __init__(self, submit: Submit, max_request_bytes: int) -> None:
        self._submit = submit
        self._max_request_bytes = max_request_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, after its spans are on disk."""
        problem = _unacceptable(scope)
        if problem is not None:
            status, text, headers = problem
            await _respond(send, status, text.encode(), "text/plain; charset=utf-8", headers)
            return
        try:
            body = await self._read(scope, receive)
            accepted = await asyncio.wrap_future(self._submit(body))
        except Disconnected:
            return
        except CollectorError as error:
            await _refuse(send, error)
            return
        await _respond(send, 200, acknowledge(accepted), PROTOBUF)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > self._max_request_bytes:
            raise too_large(self._max_request_bytes)
        return await read_body(receive, _encoding(scope), self._max_request_bytes)


class HttpReceiver:
    """Receives traces at one address.

    Args:
        address: where; port 0 takes a free one.
        submit: where the bodies go.
        max_request_bytes: the largest body, after decompression.
    """

    def __init__(self, address: Address, submit: Submit, max_request_bytes: int) -> None:
        self._address = address
        app = TracesApp(submit, max_request_bytes)
        self._server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> Address:
        """Begin to receive; returns the address with its real port.

        Raises:
            AddressInUse: the address cannot be bound.
        """
        listener = self._listen()
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="otlp-http")
        ready = asyncio.create_task(self._server.ready.wait())
        await asyncio.wait({ready, self._serving}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():  # the server ended before it was ready, and tells why
            ready.cancel()
            await self._serving
        return self._address._replace(port=listener.getsockname()[1])

    async def stop(self) -> None:
        """Take no more requests, and wait for those in progress."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving

    def _listen(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, _, _, _, place = found[0]
            return socket.create_server(place[:2], family=family, backlog=1024)
        except OSError as error:
            raise AddressInUse(
                f"OTLP/HTTP cannot listen at {self._address}: {error.strerror or error}. Choose another "
                "address with --otlp-http HOST:PORT or LABAN_OTLP_HTTP (port 0: a free one)."
            ) from error


class _Server(uvicorn.Server):
    """uvicorn inside a larger program: says when it is ready, and leaves the signals alone."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _unacceptable(scope: Scope) -> tuple[int, str, Headers] | None:
    """Status, text and headers for what is not a request that we read; None when it is."""
    path = scope["path"]
    if path in _OTHER_SIGNALS:
        return 404, f"{TRACES_ONLY}.\n", []
    if path != TRACES_PATH:
        return 404, f"There is nothing here: OTLP traces go to POST {TRACES_PATH}.\n", []
    if scope["method"] != "POST":
        return 405, f"OTLP traces are sent with POST, not {scope['method']}.\n", [(b"allow", b"POST")]
    content_type = _header(scope, b"content-type").partition(";")[0].strip().lower()
    if content_type != PROTOBUF:
        text = (
            f"{content_type or 'No content type'} is not accepted yet: {PROTOBUF} is. With an OpenTelemetry"
        )
        return (
            415,
            f"{text} SDK set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.\n",
            [(b"accept", PROTOBUF.encode())],
        )
    encoding = _encoding(scope)
    if encoding not in ENCODINGS:
        accepted = ", ".join(ENCODINGS)
        return (
            415,
            f"Content-Encoding {encoding} is not accepted: {accepted}.\n",
            [(b"accept-encoding", accepted.encode())],
        )
    return None


def _encoding(scope: Scope) -> str:
    return _header(scope, b"content-encoding").strip().lower() or "identity"


def _header(scope: Scope, name: bytes) -> str:
    """The value of a header, '' when it is missing. ASGI gives names in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return ""


async def _refuse(send: Send, error: CollectorError) -> None:
    refusal = refuse(error)
    headers: Headers = []
    if refusal.retry_after is not None:
        headers.append((b"retry-after", str(math.ceil(refusal.retry_after)).encode()))
    await _respond(send, refusal.http, refusal.status(), PROTOBUF, headers)


async def _respond(
    send: Send, status: int, body: bytes, content_type: str, headers: Headers | None = None
) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *(headers or []),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
