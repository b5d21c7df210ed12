"""OTLP over gRPC. Bodies stay bytes: the decoder, not grpcio, makes sense of them."""

import asyncio
from typing import Any, Final, NoReturn

import grpc
import grpc.aio

from laban_collector.errors import AddressInUse, CollectorError, UndecodableRequest
from laban_collector.receive.access import Access
from laban_collector.receive.address import Address
from laban_collector.receive.intake import Intake
from laban_collector.receive.otlp_responses import TOKEN_NEEDED, TRACES_ONLY, Refusal, acknowledge, refuse
from laban_collector.receive.tls import Identity

_COLLECTORS: Final = "/opentelemetry.proto.collector."
_EXPORT: Final = f"{_COLLECTORS}trace.v1.TraceService/Export"
_GRACE: Final = 5.0
"""Seconds that calls in progress have to end in when the receiver stops."""
_UPLOADS: Final = 32
"""Bodies that are read at once. gRPC does not tell how much of a body is there: each may be the largest."""

Context = grpc.aio.ServicerContext[Any, Any]


class GrpcReceiver:
    """Receives traces at one address.

    Args:
        address: where; port 0 takes a free one.
        intake: where the bodies go, and what they may cost.
        access: who may send. A browser cannot speak gRPC: hosts and origins are not looked at.
        identity: the certificate for TLS; None: without.
    """

    def __init__(
        self, address: Address, intake: Intake, access: Access, identity: Identity | None = None
    ) -> None:
        self._address = address
        self._intake = intake
        self._access = access
        self._identity = identity
        self._server: grpc.aio.Server | None = None

    async def start(self) -> Address:
        """Begin to receive; returns the address with its real port.

        Raises:
            AddressInUse: the address cannot be bound.
        """
        server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", self._intake.limits.request_bytes),
                # Without this a second collector on the same port gets half of the requests.
                ("grpc.so_reuseport", 0),
            )
        )
        server.add_generic_rpc_handlers((_Handlers(self._intake, self._access),))
        try:
            port = self._bind(server)
        except RuntimeError as error:
            raise AddressInUse(
                f"OTLP/gRPC cannot listen at {self._address}: is another collector running there? Choose "
                "another address with --otlp-grpc HOST:PORT or LABAN_OTLP_GRPC (port 0: a free one)."
            ) from error
        await server.start()
        self._server = server
        return self._address._replace(port=port)

    async def stop(self) -> None:
        """Take no more calls, and wait for those in progress."""
        if self._server is not None:
            await self._server.stop(_GRACE)

    def _bind(self, server: grpc.aio.Server) -> int:
        if self._identity is None:
            return server.add_insecure_port(str(self._address))
        pair = (self._identity.key.read_bytes(), self._identity.certificate.read_bytes())
        return server.add_secure_port(str(self._address), grpc.ssl_server_credentials([pair]))


class _Handlers(grpc.GenericRpcHandler):
    """Finds the handler of a method; without (de)serialisers, so that bodies stay bytes.

    An export is one message in and one out. It is handled as a stream of one, to have a say in when the
    message is read: until then it waits at the sender, held back by HTTP/2.
    """

    def __init__(self, intake: Intake, access: Access) -> None:
        self._intake = intake
        self._access = access
        self._uploads = asyncio.Semaphore(_UPLOADS)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler, or None: UNIMPLEMENTED."""
        if not self._access.knows(_authorization(handler_call_details)):
            return grpc.stream_unary_rpc_method_handler(_token_needed)
        if handler_call_details.method == _EXPORT:
            return grpc.stream_unary_rpc_method_handler(self._export)
        if handler_call_details.method.startswith(_COLLECTORS):
            return grpc.stream_unary_rpc_method_handler(_other_signal)
        return None

    async def _export(self, _: object, context: Context) -> bytes:
        try:
            accepted = await self._intake.take(await self._read(context))
        except CollectorError as error:
            return await _abort(context, refuse(error))
        return acknowledge(accepted).SerializeToString()

    async def _read(self, context: Context) -> bytes:
        """The one message; waits in flow control until there is room for it."""
        async with self._intake.uploading(), self._uploads:
            body = await context.read()
        if body is grpc.aio.EOF:
            raise UndecodableRequest("The call holds no message.")
        return bytes(body)


def _authorization(details: grpc.HandlerCallDetails) -> str:
    for key, value in details.invocation_metadata or ():
        if key == "authorization":
            return value if isinstance(value, str) else value.decode("latin-1")
    return ""


async def _abort(context: Context, refusal: Refusal) -> NoReturn:
    details = (("grpc-status-details-bin", refusal.status()),)
    await context.abort(refusal.code, refusal.message, details)


async def _token_needed(_: object, context: Context) -> bytes:
    await _abort(context, TOKEN_NEEDED)


async def _other_signal(_: object, context: Context) -> bytes:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, TRACES_ONLY)
