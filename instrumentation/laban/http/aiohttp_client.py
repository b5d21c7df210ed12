"""aiohttp client: adds the timeout and the default port to client spans."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
import wrapt
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span

from laban.client_spans import set_default_port, set_timeout
from laban.fail_open import fail_open

_timeout: Final[ContextVar[object]] = ContextVar("laban-aiohttp-timeout", default=None)


class LabanAiohttpClientInstrumentor(AioHttpClientInstrumentor):
    """Upstream's instrumentor, patched with a request hook that runs before the user's."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        given = kwargs.pop("request_hook", None)

        def started(span: Span, params: aiohttp.TraceRequestStartParams) -> None:
            set_default_port(span, params.url.scheme)
            set_timeout(span, _timeout.get())
            if callable(given):
                given(span, params)

        wrapt.wrap_function_wrapper(aiohttp.ClientSession, "_request", _request)
        super()._instrument(request_hook=started, **kwargs)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)
        unwrap(aiohttp.ClientSession, "_request")


async def _request(
    wrapped: Callable[..., Awaitable[Any]],
    session: aiohttp.ClientSession,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    seconds = None
    with fail_open("cannot record call timeouts"):
        seconds = _seconds(kwargs.get("timeout"), session.timeout)
    token = _timeout.set(seconds)
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _timeout.reset(token)


def _seconds(given: object, of_session: aiohttp.ClientTimeout) -> object:
    """The timeout of the whole call, else of a single read."""
    if isinstance(given, (int, float)):
        return given
    timeout = given if isinstance(given, aiohttp.ClientTimeout) else of_session
    return timeout.total or timeout.sock_read
