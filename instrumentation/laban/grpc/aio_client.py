"""Clients of asyncio gRPC: who was called, how long the caller waits, who streams, and how it failed.

Stock replaces a stream by a bare generator, whose span ends when the generator is exhausted or collected.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final, cast

import grpc
import grpc.aio
import wrapt
from opentelemetry import trace
from opentelemetry.instrumentation import grpc as stock
from opentelemetry.instrumentation.grpc import _aio_client
from opentelemetry.instrumentation.grpc._client import OpenTelemetryClientInterceptor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span

from laban import vocabulary
from laban.client_spans import note_timeout, noting_cancellation
from laban.fail_open import fail_open
from laban.grpc.client import PeerTracer, note_code, note_end_of_stream

_STREAMING: Final[dict[type, str]] = {
    _aio_client.UnaryStreamAioClientInterceptor: "server",
    _aio_client.StreamUnaryAioClientInterceptor: "client",
    _aio_client.StreamStreamAioClientInterceptor: "bidi",
}
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
        for name, wrapper in _MENDED.items():
            wrapt.wrap_function_wrapper(_stock_base, name, wrapper)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)  # type: ignore[no-untyped-call]  # stock has no types
        unwrap(_aio_client, "_unary_done_callback")
        for name in _MENDED:
            # The static methods among them would not be static any more after stock's `unwrap`.
            setattr(_stock_base, name, vars(_stock_base)[name].__wrapped__)

    def _add_interceptors(self, tracer_provider: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = super()._add_interceptors(tracer_provider, kwargs)  # type: ignore[no-untyped-call]  # no types
        with fail_open("cannot name gRPC peers"):
            for interceptor in changed["interceptors"]:
                if isinstance(interceptor, OpenTelemetryClientInterceptor):
                    traced = cast("Any", interceptor)
                    streaming = _STREAMING.get(type(interceptor))
                    traced._tracer = PeerTracer(traced._tracer, _target.get(), streaming)  # noqa: SLF001 - no setter
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


def _noting_timeout(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with fail_open("cannot note the timeouts of calls"):
        note_timeout(trace.get_current_span(), args[0].timeout)
    return wrapped(*args, **kwargs)


async def _ending_unary(
    wrapped: Callable[..., Awaitable[Any]], _instance: object, args: tuple[Any, Span], kwargs: dict[str, Any]
) -> Any:
    """Stock leaves the span of a call open for ever that is cancelled or refused by another interceptor."""
    span = args[1]
    try:
        with noting_cancellation(span):
            return await wrapped(*args, **kwargs)
    except BaseException:
        if span.is_recording():
            span.end()
        raise


def _following_stream(
    wrapped: Callable[..., Any], interceptor: Any, args: tuple[Span, Any], kwargs: dict[str, Any]
) -> Any:
    """The call itself, whose span ends with it."""
    span, call = args
    if interceptor._response_hook is not None or not isinstance(call, grpc.aio.Call):  # noqa: SLF001 - no getter
        return wrapped(*args, **kwargs)  # stock's generator calls the user's hook for each message
    loop = asyncio.get_running_loop()

    def done(call: Any) -> None:
        ending = loop.create_task(_end_stream(span, call))
        _endings.add(ending)
        ending.add_done_callback(_endings.discard)

    call.add_done_callback(done)
    return call


_endings: Final[set[asyncio.Task[None]]] = set()
"""The loop holds tasks weakly."""


async def _end_stream(span: Span, call: Any) -> None:
    try:
        with fail_open("cannot record how gRPC streams end"):
            note_end_of_stream(span, await call.code(), await call.details())
    finally:
        span.end()


_MENDED: Final[dict[str, Callable[..., Any]]] = {
    "add_error_details_to_span": _noting_error_type,
    "propagate_trace_in_details": _noting_timeout,
    "_wrap_unary_response": _ending_unary,
    "_wrap_stream_response": _following_stream,
}
"""What of the interceptors is wrapped, and by what."""
