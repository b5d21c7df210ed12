"""OTLP over HTTP: POST /v1/traces, protobuf or JSON, plain, gzip or zstd, on uvicorn."""

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

import grpc
import uvicorn

from laban_collector.errors import AddressInUse, CollectorError, UploadTooSlow
from laban_collector.receive.access import Access
from laban_collector.receive.address import Address
from laban_collector.receive.asgi import Headers, Receive, Scope, Send, header, respond
from laban_collector.receive.body import ENCODINGS as CONTENT_ENCODINGS
from laban_collector.receive.body import Disconnected, read_body, too_large
from laban_collector.receive.fast_path import whole_requests
from laban_collector.receive.guard import Guard
from laban_collector.receive.intake import Intake
from laban_collector.receive.otlp_responses import (
    ENCODINGS,
    JSON,
    TRACES_ONLY,
    TRACES_PATH,
    Encoding,
    Refusal,
    acknowledge,
    refuse,
)
from laban_collector.receive.tls import Identity

_OTHER_SIGNALS: Final = ("/v1/logs", "/v1/metrics", "/v1development/profiles")
_CLOSE: Final = (b"connection", b"close")
_GRACE: Final = 5
"""Seconds that requests in progress have to end in when the receiver stops."""
# The SDKs send every 5 s by default: a shorter time-out would close the connection under each request.
_KEEP_ALIVE: Final = 75


class TracesApp:
    """The ASGI application; bodies go to `intake`."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, after its spans are on disk."""
        problem = _unacceptable(scope)
        if problem is not None:
            await deny(scope, send, *problem)
            return
        encoding = _encoding(scope)
        try:
            body = await self._read(scope, receive)
            accepted = await self._intake.take(encoding.body(body))
        except Disconnected:
            return
        except CollectorError as error:
            await deny(scope, send, refuse(error), [_CLOSE] if isinstance(error, UploadTooSlow) else [])
            return
        await respond(send, 200, encoding.write(acknowledge(accepted)), encoding.content_type)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._intake.limits.request_bytes
        length = header(scope, b"content-length")
        if length.isdigit() and int(length) > limit:
            raise too_large(limit)
        async with self._intake.uploading() as reserve:
            return await read_body(receive, _content_encoding(scope), limit, reserve)


class HttpReceiver:
    """Receives traces at one address.

    Args:
        address: where; port 0 takes a free one.
        intake: where the bodies go, and what they may cost.
        access: who may send.
        identity: the certificate for TLS; None: without.
    """

    def __init__(
        self, address: Address, intake: Intake, access: Access, identity: Identity | None = None
    ) -> None:
        self._address = address
        self._server = _Server(
            uvicorn.Config(
                Guard(TracesApp(intake), access, deny, "POST"),
                http=whole_requests(intake, access),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # whoever sends is not asked for
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
                ssl_certfile=None if identity is None else identity.certificate,
                ssl_keyfile=None if identity is None else identity.key,
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


async def deny(scope: Scope, send: Send, refusal: Refusal, headers: Headers) -> None:
    """Write a refusal as a google.rpc.Status, in the encoding of the request, or else JSON."""
    encoding = _encoding(scope)
    body = encoding.write(refusal.as_message())
    await respond(send, refusal.http, body, encoding.content_type, [*headers, *refusal.headers()])


def _unacceptable(scope: Scope) -> tuple[Refusal, Headers] | None:
    """The refusal of what is not a request that we read, with its headers; None when it is one."""
    path, method = scope["path"], scope["method"]
    if path in _OTHER_SIGNALS:
        return Refusal(grpc.StatusCode.UNIMPLEMENTED, 404, f"{TRACES_ONLY}."), []
    if path != TRACES_PATH:
        text = f"There is nothing here: OTLP traces go to POST {TRACES_PATH}."
        return Refusal(grpc.StatusCode.NOT_FOUND, 404, text), []
    if method != "POST":
        text = f"OTLP traces are sent with POST, not {method}."
        return Refusal(grpc.StatusCode.UNIMPLEMENTED, 405, text), [(b"allow", b"POST")]
    content_type = _content_type(scope)
    if content_type not in ENCODINGS:
        accepted = ", ".join(ENCODINGS)
        text = (
            f"{content_type or 'No content type'} is not accepted: {accepted} are. With an OpenTelemetry SDK "
            "set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf."
        )
        return Refusal(grpc.StatusCode.INVALID_ARGUMENT, 415, text), [(b"accept", accepted.encode())]
    content_encoding = _content_encoding(scope)
    if content_encoding not in CONTENT_ENCODINGS:
        accepted = ", ".join(CONTENT_ENCODINGS)
        text = f"Content-Encoding {content_encoding} is not accepted: {accepted} are."
        return Refusal(grpc.StatusCode.INVALID_ARGUMENT, 415, text), [(b"accept-encoding", accepted.encode())]
    return None


def _encoding(scope: Scope) -> Encoding:
    return ENCODINGS.get(_content_type(scope), JSON)


def _content_type(scope: Scope) -> str:
    return header(scope, b"content-type").partition(";")[0].strip().lower()


def _content_encoding(scope: Scope) -> str:
    return header(scope, b"content-encoding").strip().lower() or "identity"
