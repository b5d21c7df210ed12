"""asyncio gRPC clients: adds peer, timeout, streaming side and error type to client spans.

Upstream replaces a stream with a plain generator, whose span ends when the generator is exhausted or garbage
collected.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final, cast

import grpc
import grpc.aio
import wrapt
from opentelemetry import trace
from opentelemetry.instrumentation import grpc as upstream
from opentelemetry.instrumentation.grpc import _aio_client
from opentelemetry.instrumentation.grpc._client import OpenTelemetryClientInterceptor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span

from laban import vocabulary
from laban.client_spans import recording_cancellation, set_timeout
from laban.fail_open import fail_open
from laban.grpc.client import PeerTracer, record_code, record_stream_end

_STREAMING: Final[dict[type, str]] = {
    _aio_client.UnaryStreamAioClientInterceptor: "server",
    _aio_client.StreamUnaryAioClientInterceptor: "client",
    _aio_client.StreamStreamAioClientInterceptor: "bidi",
}
_target: Final[ContextVar[str]] = ContextVar("laban-grpc-target", default="")
_base_interceptor: Final = cast("Any", _aio_client)._BaseAioClientInterceptor  # noqa: SLF001 - no public access


class LabanGrpcAioClient(upstream.GrpcAioInstrumentorClient):
    """Upstream's instrumentor for asyncio channels, patched."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]  # upstream has no types
        for name in ("insecure_channel", "secure_channel"):
            setattr(grpc.aio, name, _with_target(getattr(grpc.aio, name)))
        wrapt.wrap_function_wrapper(_aio_client, "_unary_done_callback", _record_status_code)
        for name, wrapper in _INTERCEPTOR_WRAPPERS.items():
            wrapt.wrap_function_wrapper(_base_interceptor, name, wrapper)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)  # type: ignore[no-untyped-call]  # upstream has no types
        unwrap(_aio_client, "_unary_done_callback")
        for name in _INTERCEPTOR_WRAPPERS:
            # Upstream's `unwrap` would turn static methods into plain ones.
            setattr(_base_interceptor, name, vars(_base_interceptor)[name].__wrapped__)

    def _add_interceptors(self, tracer_provider: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = super()._add_interceptors(tracer_provider, kwargs)  # type: ignore[no-untyped-call]  # no types
        with fail_open("cannot record gRPC peers"):
            for interceptor in changed["interceptors"]:
                if isinstance(interceptor, OpenTelemetryClientInterceptor):
                    untyped = cast("Any", interceptor)
                    streaming = _STREAMING.get(type(interceptor))
                    untyped._tracer = PeerTracer(untyped._tracer, _target.get(), streaming)  # noqa: SLF001 - no setter
        return changed


def _with_target(make_channel: Callable[..., Any]) -> Callable[..., Any]:
    """A channel function that passes the target to the interceptors of the channel."""

    def channel(target: str, *args: Any, **kwargs: Any) -> Any:
        token = _target.set(target)
        try:
            return make_channel(target, *args, **kwargs)
        finally:
            _target.reset(token)

    return channel


def _record_status_code(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with fail_open("cannot record gRPC client errors"):
        span, code = args[:2]
        record_code(span, code)
    return wrapped(*args, **kwargs)


def _record_error_type(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with fail_open("cannot record gRPC client errors"):
        span, error = args[:2]
        code = error.code() if isinstance(error, grpc.aio.AioRpcError) else None
        span.set_attribute(vocabulary.ERROR_TYPE, code.name if code else type(error).__qualname__)
    return wrapped(*args, **kwargs)


def _record_timeout(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    with fail_open("cannot record call timeouts"):
        set_timeout(trace.get_current_span(), args[0].timeout, vocabulary.TIMEOUT_OF_CALL)
    return wrapped(*args, **kwargs)


async def _end_unary(
    wrapped: Callable[..., Awaitable[Any]], _instance: object, args: tuple[Any, Span], kwargs: dict[str, Any]
) -> Any:
    """End the span in all cases. Upstream does not if the call is cancelled or an interceptor raises."""
    span = args[1]
    try:
        with recording_cancellation(span):
            return await wrapped(*args, **kwargs)
    except BaseException:
        if span.is_recording():
            span.end()
        raise


def _end_span_with_stream(
    wrapped: Callable[..., Any], interceptor: Any, args: tuple[Span, Any], kwargs: dict[str, Any]
) -> Any:
    """The call itself; its span ends when the call ends."""
    span, call = args
    if interceptor._response_hook is not None or not isinstance(call, grpc.aio.Call):  # noqa: SLF001 - no getter
        return wrapped(*args, **kwargs)  # upstream's generator calls the user's hook for each message
    loop = asyncio.get_running_loop()

    def done(call: Any) -> None:
        ending = loop.create_task(_end_stream(span, call))
        _endings.add(ending)
        ending.add_done_callback(_endings.discard)

    call.add_done_callback(done)
    return call


_endings: Final[set[asyncio.Task[None]]] = set()
"""Strong references: the event loop keeps only weak ones."""


async def _end_stream(span: Span, call: Any) -> None:
    try:
        with fail_open("cannot record the end of gRPC streams"):
            record_stream_end(span, await call.code(), await call.details())
    finally:
        span.end()


_INTERCEPTOR_WRAPPERS: Final[dict[str, Callable[..., Any]]] = {
    "add_error_details_to_span": _record_error_type,
    "propagate_trace_in_details": _record_timeout,
    "_wrap_unary_response": _end_unary,
    "_wrap_stream_response": _end_span_with_stream,
}
"""Method of upstream's interceptors → its wrapper."""
