"""Clients of asyncio gRPC: who was called, and how it failed."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Final, cast

import grpc
import grpc.aio
import wrapt
from opentelemetry.instrumentation import grpc as stock
from opentelemetry.instrumentation.grpc import _aio_client
from opentelemetry.instrumentation.grpc._client import OpenTelemetryClientInterceptor
from opentelemetry.instrumentation.utils import unwrap

from laban import vocabulary
from laban.fail_open import fail_open
from laban.mend.grpc_client import PeerTracer, note_code

_target: Final[ContextVar[str]] = ContextVar("laban-grpc-target", default="")
_stock_base: Final = cast("Any", _aio_client)._BaseAioClientInterceptor  # noqa: SLF001 - where its spans get their errors


class LabanGrpcAioClient(stock.GrpcAioInstrumentorClient):
    """Stock's instrumentor for asyncio channels, mended."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]  # stock has no types
        for name in ("insecure_channel", "secure_channel"):
            setattr(grpc.aio, name, _knowing_target(getattr(grpc.aio, name)))
        wrapt.wrap_function_wrapper(_aio_client, "_unary_done_callback", _noting_code)
        wrapt.wrap_function_wrapper(_stock_base, "add_error_details_to_span", _noting_error_type)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)  # type: ignore[no-untyped-call]  # stock has no types
        unwrap(_aio_client, "_unary_done_callback")
        unwrap(_stock_base, "add_error_details_to_span")

    def _add_interceptors(self, tracer_provider: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = super()._add_interceptors(tracer_provider, kwargs)  # type: ignore[no-untyped-call]  # no types
        with fail_open("cannot name gRPC peers"):
            for interceptor in changed["interceptors"]:
                if isinstance(interceptor, OpenTelemetryClientInterceptor):
                    traced = cast("Any", interceptor)
                    traced._tracer = PeerTracer(traced._tracer, _target.get())  # noqa: SLF001 - has no setter
        return changed


def _knowing_target(make_channel: Callable[..., Any]) -> Callable[..., Any]:
    """Stock's replacement of a channel function, which lets its interceptors know the target."""

    def channel(target: str, *args: Any, **kwargs: Any) -> Any:
        token = _target.set(target)
        try:
            return make_channel(target, *args, **kwargs)
        finally:
            _target.reset(token)

    return channel


def _noting_code(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with fail_open("cannot record gRPC client errors"):
        span, code = args[:2]
        note_code(span, code)
    return wrapped(*args, **kwargs)


def _noting_error_type(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with fail_open("cannot record gRPC client errors"):
        span, error = args[:2]
        code = error.code() if isinstance(error, grpc.aio.AioRpcError) else None
        span.set_attribute(vocabulary.ERROR_TYPE, code.name if code else type(error).__qualname__)
    return wrapped(*args, **kwargs)
