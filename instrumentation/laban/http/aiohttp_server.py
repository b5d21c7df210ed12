"""aiohttp server: one span per request, business keys in JSON bodies, and the correlation ID in the response.

Upstream replaces the class `web.Application`, so it misses programs that imported the class earlier. It also
gives a sub-application a second server span, loses the baggage, and raises if `middlewares` is a tuple.
"""

import warnings
from collections.abc import Awaitable, Callable
from typing import Any, Final

import wrapt
from aiohttp import web
from opentelemetry import baggage, context
from opentelemetry.instrumentation.aiohttp_server import (
    AioHttpServerInstrumentor,
    create_aiohttp_middleware,
    getter,
)
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.propagate import extract

from laban import vocabulary
from laban.business_keys.key_rules import KeyRules, configured_rules
from laban.fail_open import fail_open, failing_open
from laban.http.json_body import MAX_BODY, is_json, record_keys

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CORRELATION_ID: Final[Any] = (
    web.RequestKey("laban-correlation-id", object)
    if hasattr(web, "RequestKey")  # since aiohttp 3.14, which warns about plain names
    else "laban-correlation-id"
)
"""The key of a traced request's correlation ID. aiohttp sends the response after the span has ended."""


class LabanAiohttpServerInstrumentor(AioHttpServerInstrumentor):
    """Adds upstream's middleware to every application, once."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # aiohttp warns about the class that upstream derives
            super()._instrument(**kwargs)  # type: ignore[no-untyped-call]  # upstream has no types
        web.Application = self._original_app  # type: ignore[misc]  # undo upstream's replacement
        middleware = _outermost_only(create_aiohttp_middleware(kwargs.get("tracer_provider")))

        def init(
            wrapped: Callable[..., None], app: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> None:
            kwargs["middlewares"] = [middleware, *(kwargs.get("middlewares") or ())]
            wrapped(*args, **kwargs)
            app.on_response_prepare.append(_add_correlation_id)

        wrapt.wrap_function_wrapper(web.Application, "__init__", init)
        rules = kwargs.get("rules") or configured_rules()
        wrapt.wrap_function_wrapper(web.BaseRequest, "read", _read_wrapper(rules))

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        unwrap(web.Application, "__init__")
        unwrap(web.BaseRequest, "read")


def _outermost_only(upstream: Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]) -> Any:
    """Upstream's middleware, applied to the outermost application only; others would add a second span."""

    @web.middleware
    async def traced(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _CORRELATION_ID in request:
            return await handler(request)
        extracted = extract(request, getter=getter)
        request[_CORRELATION_ID] = baggage.get_baggage(vocabulary.CORRELATION_ID, extracted)
        token = context.attach(extracted)
        try:
            return await upstream(request, handler)
        finally:
            context.detach(token)

    return traced


async def _add_correlation_id(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Add X-Correlation-ID unless the application sets it."""
    with fail_open("cannot return X-Correlation-ID"):
        correlation_id = request.get(_CORRELATION_ID)
        if isinstance(correlation_id, str):
            response.headers.setdefault(vocabulary.CORRELATION_ID_HEADER, correlation_id)


def _read_wrapper(rules: KeyRules) -> Callable[..., Any]:
    """A wrapper for `read`, which `json()`, `text()` and `post()` call."""

    @failing_open("cannot find business keys in JSON bodies")
    def search(request: web.BaseRequest, body: bytes) -> None:
        if len(body) <= MAX_BODY and is_json(request.headers.get("Content-Type", "")):
            record_keys(body, rules)

    async def read(
        wrapped: Callable[..., Awaitable[bytes]],
        request: web.BaseRequest,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> bytes:
        body = await wrapped(*args, **kwargs)
        search(request, body)
        return body

    return read
