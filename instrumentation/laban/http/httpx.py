"""httpx: the timeout that the caller set, and calls that it gave up.

Ours stands inside of stock's wrapper, where the client span is current.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import wrapt
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span

from laban.client_spans import current_span_of, note_port, note_timeout, noting_cancellation

_STOCK: Final = "opentelemetry.instrumentation.httpx"

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


class LabanHttpxInstrumentor(HTTPXClientInstrumentor):
    """Stock's instrumentor, mended."""

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
    _noted(args)
    return wrapped(*args, **kwargs)


async def _send_async(
    wrapped: Callable[..., Awaitable[Any]], _transport: object, args: Args, kwargs: Kwargs
) -> Any:
    with noting_cancellation(_noted(args)):
        return await wrapped(*args, **kwargs)


def _noted(args: Args) -> Span | None:
    """The client span of this request, with its timeout.

    httpx has no timeout for a whole request; the longest silence that it bears comes nearest to one.
    """
    span = current_span_of(_STOCK)
    if span is not None and args and isinstance(args[0], httpx.Request):
        note_port(span, args[0].url.scheme)
        note_timeout(span, args[0].extensions.get("timeout", {}).get("read"))
    return span
