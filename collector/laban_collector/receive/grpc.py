"""The OTLP/gRPC receiver. It passes message bytes on; the decoder parses them."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import Message

from laban_collector.address import Address
from laban_collector.decode.results import AcceptedRequest
from laban_collector.errors import AddressInUse, CollectorError, UndecodableRequest
from laban_collector.receive.access import Access
from laban_collector.receive.intake import Intake
from laban_collector.receive.otlp_responses import (
    LOGS_OFF,
    TOKEN_REQUIRED,
    TRACES_AND_LOGS_ONLY,
    TRACES_ONLY,
    ErrorResponse,
    error_response,
    export_response,
    logs_response,
)
from laban_collector.receive.tls import Identity

_COLLECTORS: Final = "/opentelemetry.proto.collector."
_EXPORT: Final = f"{_COLLECTORS}trace.v1.TraceService/Export"
_EXPORT_LOGS: Final = f"{_COLLECTORS}logs.v1.LogsService/Export"
_GRACE: Final = 5.0
"""Seconds for calls in progress when the receiver stops."""
_UPLOADS: Final = 32
"""Bodies read at the same time. gRPC does not report partial sizes, so each may have the maximum size."""

Context = grpc.aio.ServicerContext[Any, Any]
Respond = Callable[[AcceptedRequest], Message]


class GrpcReceiver:
    """Receives traces, and maybe logs, at one address.

    Args:
        address: the address to listen on; port 0 means a free port.
        intake: takes the bodies and defines their limits.
        access: who may send. Browsers cannot send gRPC, so hosts and origins are not checked.
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
        self._intake = intake
        self._logs = logs
        self._access = access
        self._identity = identity
        self._server: grpc.aio.Server | None = None

    async def start(self) -> Address:
        """Start to receive; returns the address with its actual port.

        Raises:
            AddressInUse: the address cannot be bound.
        """
        server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", self._intake.limits.request_bytes),
                # Otherwise a second collector on the same port gets half of the requests.
                ("grpc.so_reuseport", 0),
            )
        )
        server.add_generic_rpc_handlers((_Handlers(self._intake, self._access, self._logs),))
        try:
            port = self._bind(server)
        except RuntimeError as error:
            raise AddressInUse(
                f"OTLP/gRPC cannot listen at {self._address}. Another collector may be using it. Choose "
                "another address with --otlp-grpc HOST:PORT or LABAN_OTLP_GRPC (port 0 for a free port)."
            ) from error
        await server.start()
        self._server = server
        return self._address._replace(port=port)

    async def stop(self) -> None:
        """Accept no more calls, and wait for those in progress."""
        if self._server is not None:
            await self._server.stop(_GRACE)

    def _bind(self, server: grpc.aio.Server) -> int:
        if self._identity is None:
            return server.add_insecure_port(str(self._address))
        pair = (self._identity.key.read_bytes(), self._identity.certificate.read_bytes())
        return server.add_secure_port(str(self._address), grpc.ssl_server_credentials([pair]))


class _Handlers(grpc.GenericRpcHandler):
    """Finds the handler of a method. Handlers have no (de)serializers, so bodies stay bytes.

    An export has one request message and one response. It is handled as a stream of one message, to control
    when
    the message is read: until then, HTTP/2 flow control holds it back at the sender.
    """

    def __init__(self, intake: Intake, access: Access, logs: Intake | None) -> None:
        self._exports = {_EXPORT: partial(self._export, intake, export_response)}
        if logs is not None:
            self._exports[_EXPORT_LOGS] = partial(self._export, logs, logs_response)
        self._refusals = {_EXPORT_LOGS: LOGS_OFF}
        self._refusal = TRACES_ONLY if logs is None else TRACES_AND_LOGS_ONLY
        self._access = access
        self._uploads = asyncio.Semaphore(_UPLOADS)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """Return the handler, or None for UNIMPLEMENTED."""
        if not self._access.accepts_token(_authorization(handler_call_details)):
            return grpc.stream_unary_rpc_method_handler(_token_required)
        method = handler_call_details.method
        if method in self._exports:
            return grpc.stream_unary_rpc_method_handler(self._exports[method])
        if method.startswith(_COLLECTORS):
            refusal = self._refusals.get(method, self._refusal)
            return grpc.stream_unary_rpc_method_handler(partial(_other_signal, refusal))
        return None

    async def _export(self, intake: Intake, respond: Respond, _: object, context: Context) -> bytes:
        try:
            accepted = await intake.store(await self._read(intake, context))
        except CollectorError as error:
            return await _abort(context, error_response(error))
        return respond(accepted).SerializeToString()

    async def _read(self, intake: Intake, context: Context) -> bytes:
        """Return the one message; it waits in flow control until there is room for it."""
        async with intake.upload(), self._uploads:
            body = await context.read()
        if body is grpc.aio.EOF:
            raise UndecodableRequest("The call contains no message.")
        return bytes(body)


def _authorization(details: grpc.HandlerCallDetails) -> str:
    for key, value in details.invocation_metadata or ():
        if key == "authorization":
            return value if isinstance(value, str) else value.decode("latin-1")
    return ""


async def _abort(context: Context, error: ErrorResponse) -> NoReturn:
    details = (("grpc-status-details-bin", error.status_bytes()),)
    await context.abort(error.grpc_status, error.message, details)


async def _token_required(_: object, context: Context) -> bytes:
    await _abort(context, TOKEN_REQUIRED)


async def _other_signal(refusal: str, _: object, context: Context) -> bytes:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, refusal)
