"""aiohttp's server: one span a request, business keys in JSON bodies, and the correlation id in the answer.

Stock swaps the class `web.Application`, so that earlier imports of it are not traced; it gives a
sub-application a second server span, loses the baggage, and raises when `middlewares` is a tuple.
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
from laban.business_keys.rules import KeyRules, configured_rules
from laban.fail_open import fail_open, failing_open
from laban.http.json_body import MAX_BODY, is_json, note_keys

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_CORRELATION_ID: Final[Any] = (
    web.RequestKey("laban-correlation-id", object)
    if hasattr(web, "RequestKey")  # since aiohttp 3.14, which warns of plain names
    else "laban-correlation-id"
)
"""Where a request that is traced keeps its correlation id; the answer is written when its span is over."""


class LabanAiohttpServerInstrumentor(AioHttpServerInstrumentor):
    """Stock's middleware, put into every application once."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # aiohttp warns of the class that stock derives
            super()._instrument(**kwargs)  # type: ignore[no-untyped-call]  # stock has no types
        web.Application = self._original_app  # type: ignore[misc]  # stock has swapped it
        middleware = _once(create_aiohttp_middleware(kwargs.get("tracer_provider")))

        def make(
            wrapped: Callable[..., None], app: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> None:
            kwargs["middlewares"] = [middleware, *(kwargs.get("middlewares") or ())]
            wrapped(*args, **kwargs)
            app.on_response_prepare.append(_answer)

        wrapt.wrap_function_wrapper(web.Application, "__init__", make)
        rules = kwargs.get("rules") or configured_rules()
        wrapt.wrap_function_wrapper(web.BaseRequest, "read", _reading(rules))

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - stock's signature
        unwrap(web.Application, "__init__")
        unwrap(web.BaseRequest, "read")


def _once(stock: Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]) -> Any:
    """Stock's middleware for the outermost application; a sub-application would give a second span."""

    @web.middleware
    async def traced(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _CORRELATION_ID in request:
            return await handler(request)
        arrived = extract(request, getter=getter)
        request[_CORRELATION_ID] = baggage.get_baggage(vocabulary.CORRELATION_ID, arrived)
        token = context.attach(arrived)
        try:
            return await stock(request, handler)
        finally:
            context.detach(token)

    return traced


async def _answer(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Add X-Correlation-ID, unless the application sets its own."""
    with fail_open("cannot return X-Correlation-ID"):
        correlation_id = request.get(_CORRELATION_ID)
        if isinstance(correlation_id, str):
            response.headers.setdefault(vocabulary.CORRELATION_ID_HEADER, correlation_id)


def _reading(rules: KeyRules) -> Callable[..., Any]:
    """A wrapper of `read`, which `json()`, `text()` and `post()` go through."""

    @failing_open("cannot look into JSON bodies")
    def look_into(request: web.BaseRequest, body: bytes) -> None:
        if len(body) <= MAX_BODY and is_json(request.headers.get("Content-Type", "")):
            note_keys(body, rules)

    async def read(
        wrapped: Callable[..., Awaitable[bytes]],
        request: web.BaseRequest,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> bytes:
        body = await wrapped(*args, **kwargs)
        look_into(request, body)
        return body

    return read
