"""gRPC servers: an uncaught exception is an error of the span, and streams are marked.

Stock leaves the status unset, and records exceptions twice. On asyncio servers it breaks two kinds of
handlers that gRPC accepts: plain functions, and coroutines that answer a stream by `context.write`.
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
from laban.grpc.streaming import note_streaming

SpanBlock = AbstractContextManager[Span]
Behavior = Callable[[Any, Any], Any]
Continuation = Callable[[Behavior, bool, bool], Behavior]


def install() -> None:
    """Mend the sync and the asyncio server interceptor, which share what starts a span."""

    def start_span(
        wrapped: Callable[..., SpanBlock], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> SpanBlock:
        return _noting_failure(wrapped(*args, **kwargs))

    wrapt.wrap_function_wrapper(OpenTelemetryServerInterceptor, "_start_span", start_span)
    wrapt.wrap_function_wrapper(_server, "_wrap_rpc_behavior", _marking)
    wrapt.wrap_function_wrapper(_aio_server, "_wrap_rpc_behavior", _marking_aio)


def uninstall() -> None:
    """Leave stock as it was."""
    unwrap(OpenTelemetryServerInterceptor, "_start_span")
    unwrap(_server, "_wrap_rpc_behavior")
    unwrap(_aio_server, "_wrap_rpc_behavior")


def _marking(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, Continuation], _kwargs: dict[str, Any]
) -> Any:
    handler, continuation = args

    def with_mark(behavior: Behavior, by_client: bool, by_server: bool) -> Behavior:  # noqa: FBT001 - stock's
        def marked(request: Any, context: Any) -> Any:
            note_streaming(trace.get_current_span(), by_client, by_server)
            return behavior(request, context)

        return continuation(marked if by_client or by_server else behavior, by_client, by_server)

    return wrapped(handler, with_mark)


def _marking_aio(
    wrapped: Callable[..., Any], _instance: object, args: tuple[Any, Continuation], _kwargs: dict[str, Any]
) -> Any:
    handler, continuation = args
    if handler is None:
        return None
    behavior = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    is_coroutine = inspect.iscoroutinefunction(behavior)
    if not is_coroutine and not inspect.isasyncgenfunction(behavior):
        return handler  # gRPC runs it in a thread; stock would await what it returns, so it goes untraced

    def with_stream(behavior: Behavior, by_client: bool, by_server: bool) -> Behavior:  # noqa: FBT001 - stock's
        streaming = _writing(behavior) if by_server and is_coroutine else behavior
        return continuation(streaming, by_client, by_server)

    return _marking(wrapped, None, (handler, with_stream), {})


def _writing(behavior: Callable[[Any, Any], Awaitable[object]]) -> Behavior:
    """A coroutine that answers by `context.write`, as the generator that stock expects: it yields nothing."""

    async def streaming(request: Any, context: Any) -> AsyncGenerator[Any]:
        await behavior(request, context)
        return
        yield  # what makes it a generator

    return streaming


@contextmanager
def _noting_failure(block: SpanBlock) -> Generator[Span]:
    failure: Exception | None = None
    with block as span:
        try:
            yield span
        except Exception as error:  # noqa: BLE001 - raised again below
            # Raised again behind the block, which would record it a second time.
            failure = error
            with fail_open("cannot record gRPC server errors"):
                _note(span, error)
    if failure is not None:
        raise failure


def _note(span: Span, error: Exception) -> None:
    """Abort and set_code have said what went wrong by a status code; everything else was not caught."""
    attributes = span.attributes if isinstance(span, ReadableSpan) else None
    code = (attributes or {}).get(vocabulary.RPC_GRPC_STATUS_CODE)
    if code not in (None, grpc.StatusCode.OK.value[0]):
        span.set_attribute(vocabulary.ERROR_TYPE, _code_name(code))
        return
    if type(error) is Exception:  # stock takes these for aborts and does not record them
        span.record_exception(error)
    span.set_attribute(vocabulary.RPC_GRPC_STATUS_CODE, grpc.StatusCode.UNKNOWN.value[0])
    span.set_attribute(vocabulary.ERROR_TYPE, type(error).__qualname__)
    span.set_status(StatusCode.ERROR, f"{type(error).__name__}: {error}")


def _code_name(number: object) -> str:
    return next((code.name for code in grpc.StatusCode if code.value[0] == number), str(number))
