"""Applies the faults of a service to its gRPC server."""

from __future__ import annotations  # grpc's classes are generic in its type stubs only

from collections.abc import Callable
from typing import TypeVar

import grpc

from laban_samples.faults.active_faults import ActiveFaults, FaultInjected

Request = TypeVar("Request")
Response = TypeVar("Response")


class FaultInterceptor(grpc.ServerInterceptor):
    """Applies the faults to every unary call before its handler runs.

    Streams are not affected: a subscription would fail again at every renewal.
    """

    def __init__(self, faults: ActiveFaults) -> None:
        self._faults = faults

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Request, Response] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Request, Response] | None:
        """Wrap the handler of a unary call."""
        handler = continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        handle = handler.unary_unary

        def handle_with_faults(request: Request, context: grpc.ServicerContext) -> Response:
            try:
                self._faults.apply()
            except FaultInjected as error:
                context.abort(grpc.StatusCode.INTERNAL, str(error))
            return handle(request, context)

        return grpc.unary_unary_rpc_method_handler(
            handle_with_faults, handler.request_deserializer, handler.response_serializer
        )
