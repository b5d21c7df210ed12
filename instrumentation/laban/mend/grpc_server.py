"""gRPC servers: an uncaught exception is an error of the span.

Stock leaves its status unset, and records exceptions twice.
"""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import grpc
import wrapt
from opentelemetry.instrumentation.grpc._server import OpenTelemetryServerInterceptor
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Span, StatusCode

from laban import vocabulary
from laban.fail_open import fail_open

SpanBlock = AbstractContextManager[Span]


def install() -> None:
    """Mend the sync and the asyncio server interceptor, which share what starts a span."""

    def start_span(
        wrapped: Callable[..., SpanBlock], _instance: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> SpanBlock:
        return _noting_failure(wrapped(*args, **kwargs))

    wrapt.wrap_function_wrapper(OpenTelemetryServerInterceptor, "_start_span", start_span)


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
