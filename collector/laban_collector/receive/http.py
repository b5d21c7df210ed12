"""The OTLP/HTTP receiver: POST /v1/traces and /v1/logs, protobuf or JSON; plain, gzip, zstd; on uvicorn."""

import socket
from collections.abc import Callable
from typing import Final, NamedTuple

import grpc
import uvicorn
from google.protobuf.message import Message

from laban_collector.address import Address
from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import AddressInUse, CollectorError, UploadTooSlow
from laban_collector.receive.access import Access
from laban_collector.receive.asgi import (
    CONTENT_ENCODINGS,
    Disconnected,
    Headers,
    Receive,
    Scope,
    Send,
    header,
    read_body,
    respond,
    too_large,
)
from laban_collector.receive.background_server import BackgroundServer
from laban_collector.receive.fast_path import receiver_protocol
from laban_collector.receive.guard import Guard
from laban_collector.receive.intake import Intake
from laban_collector.receive.otlp_responses import (
    ENCODINGS,
    JSON,
    LOGS_OFF,
    LOGS_PATH,
    TRACES_AND_LOGS_ONLY,
    TRACES_ONLY,
    TRACES_PATH,
    Encoding,
    ErrorResponse,
    error_response,
    export_response,
    logs_response,
)
from laban_collector.receive.tls import Identity

_OTHER_SIGNALS: Final = (LOGS_PATH, "/v1/metrics", "/v1development/profiles")
_CLOSE: Final = (b"connection", b"close")
_GRACE: Final = 5
"""Seconds for requests in progress when the receiver stops."""
# SDKs export every 5 s by default; a shorter timeout would close the connection before each request.
_KEEP_ALIVE: Final = 75


class _Export(NamedTuple):
    """What becomes of the requests to a path."""

    intake: Intake
    respond: Callable[[AcceptedRequest], Message]


class ExportsApp:
    """The ASGI application of the receiver.

    Args:
        intake: takes the bodies with traces.
        logs: takes the bodies with logs; None to refuse them.
    """

    def __init__(self, intake: Intake, logs: Intake | None = None) -> None:
        self._exports = {TRACES_PATH: _Export(intake, export_response)}
        if logs is not None:
            self._exports[LOGS_PATH] = _Export(logs, logs_response)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request, after its content is on disk."""
        problem = _request_error(scope, stores_logs=LOGS_PATH in self._exports)
        if problem is not None:
            await deny(scope, send, *problem)
            return
        encoding, export = _encoding(scope), self._exports[scope["path"]]
        try:
            body = await _read(export.intake, scope, receive)
            accepted = await export.intake.store(encoding.body(body))
        except Disconnected:
            return
        except CollectorError as error:
            headers: Headers = [_CLOSE] if isinstance(error, UploadTooSlow) else []
            await deny(scope, send, error_response(error), headers)
            return
        await respond(send, 200, encoding.serialize(export.respond(accepted)), encoding.content_type)


async def _read(intake: Intake, scope: Scope, receive: Receive) -> bytes:
    limit = intake.limits.request_bytes
    length = header(scope, b"content-length")
    if length.isdigit() and int(length) > limit:
        raise too_large(limit)
    async with intake.upload() as reserve:
        return await read_body(receive, _content_encoding(scope), limit, reserve)


class HttpReceiver:
    """Receives traces, and maybe logs, at one address.

    Args:
        address: the address to listen on; port 0 means a free port.
        intake: takes the bodies and defines their limits.
        access: who may send.
        identity: the TLS certificate; None for no TLS.
        logs: takes the bodies with logs; None to refuse them.
    """

    def __init__(
        self,
        address: Address,
        intake: Intake,
        access: Access,
        identity: Identity | None = None,
        logs: Intake | None = None,
    ) -> None:
        self._address = address
        self._server = BackgroundServer(
            uvicorn.Config(
                Guard(ExportsApp(intake, logs), access, deny, "POST"),
                http=receiver_protocol(intake, access),
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # the address of the sender is not used
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
                ssl_certfile=None if identity is None else identity.certificate,
                ssl_keyfile=None if identity is None else identity.key,
            ),
            "otlp-http",
        )

    async def start(self) -> Address:
        """Start to receive; returns the address with its actual port.

        Raises:
            AddressInUse: the address cannot be bound.
        """
        listener = self._listen()
        await self._server.start(listener)
        return self._address._replace(port=listener.getsockname()[1])

    async def stop(self) -> None:
        """Accept no more requests, and wait for those in progress."""
        await self._server.stop()

    def _listen(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, _, _, _, place = found[0]
            return socket.create_server(place[:2], family=family, backlog=1024)
        except OSError as error:
            raise AddressInUse(
                f"OTLP/HTTP cannot listen at {self._address}: {error.strerror or error}. Choose another "
                "address with --otlp-http HOST:PORT or LABAN_OTLP_HTTP (port 0 for a free port)."
            ) from error


async def deny(scope: Scope, send: Send, error: ErrorResponse, headers: Headers) -> None:
    """Send an error as a google.rpc.Status in the encoding of the request; JSON if that is unknown."""
    encoding = _encoding(scope)
    body = encoding.serialize(error.status_message())
    await respond(send, error.http_status, body, encoding.content_type, [*headers, *error.http_headers()])


def _request_error(scope: Scope, *, stores_logs: bool) -> tuple[ErrorResponse, Headers] | None:
    """Return the error and headers for a request that is not an export; None if it is one."""
    path, method = scope["path"], scope["method"]
    is_logs = path == LOGS_PATH
    if path in _OTHER_SIGNALS and not (is_logs and stores_logs):
        refusal = TRACES_AND_LOGS_ONLY if stores_logs else LOGS_OFF if is_logs else TRACES_ONLY
        return ErrorResponse(grpc.StatusCode.UNIMPLEMENTED, 404, f"{refusal}."), []
    if path not in (TRACES_PATH, LOGS_PATH):
        text = f"Unknown path. Send OTLP traces to POST {TRACES_PATH}."
        return ErrorResponse(grpc.StatusCode.NOT_FOUND, 404, text), []
    if method != "POST":
        text = f"Method {method} is not allowed. Send OTLP {'logs' if is_logs else 'traces'} with POST."
        return ErrorResponse(grpc.StatusCode.UNIMPLEMENTED, 405, text), [(b"allow", b"POST")]
    content_type = _content_type(scope)
    if content_type not in ENCODINGS:
        accepted = ", ".join(ENCODINGS)
        text = (
            f"Unsupported content type {content_type or '(none)'}. Use one of {accepted}. With an "
            "OpenTelemetry SDK, set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf."
        )
        return ErrorResponse(grpc.StatusCode.INVALID_ARGUMENT, 415, text), [(b"accept", accepted.encode())]
    content_encoding = _content_encoding(scope)
    if content_encoding not in CONTENT_ENCODINGS:
        accepted = ", ".join(CONTENT_ENCODINGS)
        text = f"Unsupported content encoding {content_encoding}. Use one of {accepted}."
        headers = [(b"accept-encoding", accepted.encode())]
        return ErrorResponse(grpc.StatusCode.INVALID_ARGUMENT, 415, text), headers
    return None


def _encoding(scope: Scope) -> Encoding:
    return ENCODINGS.get(_content_type(scope), JSON)


def _content_type(scope: Scope) -> str:
    return header(scope, b"content-type").partition(";")[0].strip().lower()


def _content_encoding(scope: Scope) -> str:
    return header(scope, b"content-encoding").strip().lower() or "identity"
