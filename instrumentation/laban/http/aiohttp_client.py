"""aiohttp client: adds the timeout and the default port to client spans."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, Final

import aiohttp
import wrapt
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.trace import Span

from laban import vocabulary
from laban.client_spans import UNSEEN, set_default_port, set_timeout
from laban.fail_open import fail_open

Timeout = tuple[object, str]
"""Seconds, and what they limit."""
UNSEEN_TIMEOUT: Final[Timeout] = (UNSEEN, "")
_timeout: Final[ContextVar[Timeout]] = ContextVar("laban-aiohttp-timeout", default=UNSEEN_TIMEOUT)


class LabanAiohttpClientInstrumentor(AioHttpClientInstrumentor):
    """Upstream's instrumentor, patched with a request hook that runs before the user's."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        given = kwargs.pop("request_hook", None)

        def started(span: Span, params: aiohttp.TraceRequestStartParams) -> None:
            set_default_port(span, params.url.scheme)
            set_timeout(span, *_timeout.get())
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
    seen = UNSEEN_TIMEOUT
    with fail_open("cannot record call timeouts"):
        seen = _limit(kwargs.get("timeout"), session.timeout)
    token = _timeout.set(seen)
    try:
        return await wrapped(*args, **kwargs)
    finally:
        _timeout.reset(token)


def _limit(given: object, of_session: aiohttp.ClientTimeout) -> Timeout:
    """The timeout of the whole call, else of a single read. To aiohttp, 0 is no timeout, like None."""
    if isinstance(given, (int, float)):
        return given or None, vocabulary.TIMEOUT_OF_CALL
    timeout = given if isinstance(given, aiohttp.ClientTimeout) else of_session
    if timeout.total:
        return timeout.total, vocabulary.TIMEOUT_OF_CALL
    return timeout.sock_read or None, vocabulary.TIMEOUT_OF_READ
