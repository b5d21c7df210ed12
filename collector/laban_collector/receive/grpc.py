"""OTLP over gRPC. Bodies stay bytes: the decoder, not grpcio, makes sense of them."""

import asyncio
from typing import Final

import grpc
import grpc.aio

from laban_collector.address import Address
from laban_collector.errors import AddressInUse, CollectorError
from laban_collector.receive.otlp import TRACES_ONLY, Submit, acknowledge, refuse

_COLLECTORS: Final = "/opentelemetry.proto.collector."
_EXPORT: Final = f"{_COLLECTORS}trace.v1.TraceService/Export"
_GRACE: Final = 5.0
"""Seconds that calls in progress have to end in when the receiver stops."""


class GrpcReceiver:
    """Receives traces at one address.

    Args:
        address: where; port 0 takes a free one.
        submit: where the bodies go.
        max_request_bytes: the largest body, after decompression.
    """

    def __init__(self, address: Address, submit: Submit, max_request_bytes: int) -> None:
        self._address = address
        self._submit = submit
        self._max_request_bytes = max_request_bytes
        self._server: grpc.aio.Server | None = None

    async def start(self) -> Address:
        """Begin to receive; returns the address with its real port.

        Raises:
            AddressInUse: the address cannot be bound.
        """
        server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", self._max_request_bytes),
                # Without this a second collector on the same port gets half of the requests.
                ("grpc.so_reuseport", 0),
            )
        )
        server.add_generic_rpc_handlers((_Handlers(self._submit),))
        try:
            port = server.add_insecure_port(str(self._address))
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


class _Handlers(grpc.GenericRpcHandler):
    """Finds the handler of a method; without (de)serialisers, so that bodies stay bytes."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler, or None: UNIMPLEMENTED."""
        if handler_call_details.method == _EXPORT:
            return grpc.unary_unary_rpc_method_handler(self._export)
        if handler_call_details.method.startswith(_COLLECTORS):
            return grpc.unary_unary_rpc_method_handler(_other_signal)
        return None

    async def _export(self, body: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        try:
            return acknowledge(await asyncio.wrap_future(self._submit(body)))
        except CollectorError as error:
            refusal = refuse(error)
            details = (("grpc-status-details-bin", refusal.status()),)
            await context.abort(refusal.code, refusal.message, details)


async def _other_signal(_: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, TRACES_ONLY)
