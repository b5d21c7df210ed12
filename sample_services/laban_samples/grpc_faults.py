"""Makes a gRPC server suffer the faults of its service."""

from __future__ import annotations  # grpc's classes are generic in its type stubs only

from collections.abc import Callable
from typing import TypeVar

import grpc

from laban_samples.fault_state import FaultInjected, FaultState

Request = TypeVar("Request")
Response = TypeVar("Response")


class FaultInterceptor(grpc.ServerInterceptor):
    """Strikes every unary call before it is handled.

    Streams are spared: a subscription is no unit of work, and it would break at every attempt to renew it.
    """

    def __init__(self, faults: FaultState) -> None:
        self._faults = faults

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Request, Response] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Request, Response] | None:
        """The handler of a call, with the faults in front of it."""
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        handle = handler.unary_unary

        def struck(request: Request, context: grpc.ServicerContext) -> Response:
            try:
                self._faults.strike()
            except FaultInjected as error:
                context.abort(grpc.StatusCode.INTERNAL, str(error))
            return handle(request, context)

        return grpc.unary_unary_rpc_method_handler(
            struck, handler.request_deserializer, handler.response_serializer
        )
