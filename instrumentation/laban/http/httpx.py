"""httpx: adds the timeout and the default port to client spans, and marks cancelled calls.

The patch runs inside upstream's wrapper, where the client span is current.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import wrapt
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span

from laban import vocabulary
from laban.client_spans import current_span_from, recording_cancellation, set_default_port, set_timeout

_UPSTREAM_SCOPE: Final = "opentelemetry.instrumentation.httpx"

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


class LabanHttpxInstrumentor(HTTPXClientInstrumentor):
    """Upstream's instrumentor, patched."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        wrapt.wrap_function_wrapper(httpx.HTTPTransport, "handle_request", _send)
        wrapt.wrap_function_wrapper(httpx.AsyncHTTPTransport, "handle_async_request", _send_async)
        super()._instrument(**kwargs)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)
        unwrap(httpx.HTTPTransport, "handle_request")
        unwrap(httpx.AsyncHTTPTransport, "handle_async_request")


def _send(wrapped: Callable[..., Any], _transport: object, args: Args, kwargs: Kwargs) -> Any:
    _described_span(args)
    return wrapped(*args, **kwargs)


async def _send_async(
    wrapped: Callable[..., Awaitable[Any]], _transport: object, args: Args, kwargs: Kwargs
) -> Any:
    with recording_cancellation(_described_span(args)):
        return await wrapped(*args, **kwargs)


def _described_span(args: Args) -> Span | None:
    """The client span of this request, after setting its port and timeout.

    httpx has no timeout for a whole request. The read timeout comes closest.
    """
    span = current_span_from(_UPSTREAM_SCOPE)
    if span is not None and args and isinstance(args[0], httpx.Request):
        set_default_port(span, args[0].url.scheme)
        seconds = args[0].extensions.get("timeout", {}).get("read")
        set_timeout(span, seconds, vocabulary.TIMEOUT_OF_READ)
    return span
