"""gRPC servers: records uncaught exceptions as errors of the server span, and the streaming side.

Upstream leaves the status unset and records exceptions twice. On asyncio servers it breaks two kinds of
handlers that gRPC supports: plain functions, and coroutines that write a stream with `context.write`.
"""

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import grpc
import wrapt
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import _aio_server, _server
from opentelemetry.instrumentation.grpc._server import OpenTelemetryServerInterceptor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, StatusCode

from laban import vocabulary
from laban.fail_open import fail_open
from laban.grpc import set_streaming

SpanBlock = AbstractContextManager[Span]
Behavior = Callable[[Any, Any], Any]
Continuation = Callable[[Behavior, bool, bool], Behavior]


def install() -> None:
    """Patch the sync and the asyncio server interceptor, which share the method that starts a span."""

    def start_span(
        wrapped: Callable[..., SpanBlock], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> SpanBlock:
        return _recording_failure(wrapped(*args, **kwargs))

    wrapt.wrap_function_wrapper(OpenTelemetryServerInterceptor, "_start_span", start_span)
    wrapt.wrap_function_wrapper(_server, "_wrap_rpc_behavior", _wrap_behavior)
    wrapt.wrap_function_wrapper(_aio_server, "_wrap_rpc_behavior", _wrap_aio_behavior)


def uninstall() -> None:
    """Restore upstream's interceptors."""
    unwrap(OpenTelemetryServerInterceptor, "_start_span")
    unwrap(_server, "_wrap_rpc_behavior")
    unwrap(_aio_server, "_wrap_rpc_behavior")


def _wrap_behavior(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, Continuation], _kwargs: dict[str, Any]
) -> Any:
    handler, continuation = args

    def record_streaming(behavior: Behavior, by_client: bool, by_server: bool) -> Behavior:  # noqa: FBT001 - upstream's
        def recorded(request: Any, context: Any) -> Any:
            set_streaming(trace.get_current_span(), by_client, by_server)
            return behavior(request, context)

        return continuation(recorded if by_client or by_server else behavior, by_client, by_server)

    return wrapped(handler, record_streaming)


def _wrap_aio_behavior(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, Continuation], _kwargs: dict[str, Any]
) -> Any:
    handler, continuation = args
    if handler is None:
        return None
    behavior = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    is_coroutine = inspect.iscoroutinefunction(behavior)
    if not is_coroutine and not inspect.isasyncgenfunction(behavior):
        return handler  # gRPC runs it in a thread; upstream would await its result, so it stays untraced

    def adapt_stream(behavior: Behavior, by_client: bool, by_server: bool) -> Behavior:  # noqa: FBT001 - upstream's
        streaming = _as_generator(behavior) if by_server and is_coroutine else behavior
        return continuation(streaming, by_client, by_server)

    return _wrap_behavior(wrapped, None, (handler, adapt_stream), {})


def _as_generator(behavior: Callable[[Any, Any], Awaitable[object]]) -> Behavior:
    """A coroutine that uses `context.write`, as the generator that upstream expects; it yields nothing."""

    async def streaming(request: Any, context: Any) -> AsyncGenerator[Any]:
        await behavior(request, context)
        return
        yield  # makes this function a generator

    return streaming


@contextmanager
def _recording_failure(block: SpanBlock) -> Generator[Span]:
    failure: Exception | None = None
    with block as span:
        try:
            yield span
        except Exception as error:  # noqa: BLE001 - raised again below
            # Raised again after the block, because the block would record it a second time.
            failure = error
            with fail_open("cannot record gRPC server errors"):
                _record_error(span, error)
    if failure is not None:
        raise failure


def _record_error(span: Span, error: Exception) -> None:
    """Record a status code set by `abort` or `set_code`, or else the uncaught exception."""
    attributes = span.attributes if isinstance(span, ReadableSpan) else None
    code = (attributes or {}).get(vocabulary.RPC_GRPC_STATUS_CODE)
    if code not in (None, grpc.StatusCode.OK.value[0]):
        span.set_attribute(vocabulary.ERROR_TYPE, _code_name(code))
        return
    if type(error) is Exception:  # upstream treats these as aborts and does not record them
        span.record_exception(error)
    span.set_attribute(vocabulary.RPC_GRPC_STATUS_CODE, grpc.StatusCode.UNKNOWN.value[0])
    span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
    span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")


def _code_name(number: object) -> str:
    return next((code.name for code in grpc.StatusCode if code.value[0] == number), str(number))
