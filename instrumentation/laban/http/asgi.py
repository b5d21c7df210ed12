"""ASGI servers: business keys in JSON bodies, and the correlation id in the answer.

The stock middleware opens the server span; ours stands right behind it, for every framework that uses it
(FastAPI, Starlette, plain ASGI), and changes nothing that the application sees.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, cast

import wrapt
from opentelemetry import baggage, trace
from opentelemetry.instrumentation import asgi as stock
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.metrics import NoOpMeter

from laban import vocabulary
from laban.business_keys.correlation import correlations_of
from laban.business_keys.rules import KeyRules
from laban.fail_open import fail_open
from laban.http.json_body import MAX_BODY, is_json, note_keys

_EVENTS: Final = ["send", "receive"]

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def install(rules: KeyRules) -> None:
    """Stand behind every stock ASGI middleware that is made from now on. Twice does no harm."""
    if isinstance(vars(OpenTelemetryMiddleware)["__init__"], wrapt.FunctionWrapper):
        return
    no_metrics = os.environ.get("OTEL_METRICS_EXPORTER") == "none"

    def stand_behind(
        wrapped: Callable[..., None], instance: object, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        # A span for each ASGI event doubles the spans and tells nothing.
        if kwargs.get("exclude_spans") is None:
            kwargs["exclude_spans"] = _EVENTS
        if no_metrics:
            kwargs["meter"] = NoOpMeter(__name__)
        wrapped(*args, **kwargs)
        with fail_open("cannot look into HTTP requests"):
            middleware = cast("Any", instance)
            middleware.app = CorrelationMiddleware(middleware.app, rules)

    wrapt.wrap_function_wrapper(OpenTelemetryMiddleware, "__init__", stand_behind)
    if no_metrics:
        wrapt.wrap_function_wrapper(stock, "_start_internal_or_server_span", _start_span)


def uninstall() -> None:
    """Leave stock as it was."""
    unwrap(OpenTelemetryMiddleware, "__init__")
    unwrap(stock, "_start_internal_or_server_span")


def _start_span(
    wrapped: Callable[..., Any], _instance: object, args: tuple[object, ...], kwargs: dict[str, Any]
) -> Any:
    """Start the server span, and empty the attributes that it has got.

    Stock sets each of them on the span a second time, and sorts them for its metrics, which nobody exports.
    """
    started = wrapped(*args, **kwargs)
    kwargs["attributes"].clear()
    return started


class CorrelationMiddleware:
    """Looks into JSON request bodies as the application reads them, and returns X-Correlation-ID."""

    def __init__(self, app: Application, rules: KeyRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI calls it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with fail_open("cannot look into HTTP requests"):
            if scope.get("root_path"):
                self._find_below_root(scope)
            if _is_json(scope):
                receive = _watching(receive, self._found_in_body)
            correlation_id = baggage.get_baggage(vocabulary.CORRELATION_ID)
            if isinstance(correlation_id, str):
                send = _answering(send, correlation_id)
        await self._app(scope, receive, send)

    def _find_below_root(self, scope: Scope) -> None:
        # Of an application that is mounted in another one, the route tells only the end of the path.
        span: Any = trace.get_current_span()
        correlations = correlations_of(span)
        if correlations is not None:
            route = span.attributes.get(vocabulary.HTTP_ROUTE, "")
            path = scope["path"].removeprefix(scope["root_path"])
            correlations.add(self._rules.in_route(route, path), on=span)

    def _found_in_body(self, body: bytes) -> None:
        note_keys(body, self._rules)


def _is_json(scope: Scope) -> bool:
    return any(
        name.lower() == b"content-type" and is_json(value.decode("latin-1"))
        for name, value in scope["headers"]
    )


def _watching(receive: Receive, found: Callable[[bytes], None]) -> Receive:
    """A receive that hands each message on, and the whole body to `found` once it is read."""
    body = bytearray()
    reading = True

    async def watched() -> Message:
        nonlocal reading
        message = await receive()
        if reading and message["type"] == "http.request":
            with fail_open("cannot look into JSON bodies"):
                body.extend(message.get("body", b""))
                reading = bool(message.get("more_body")) and len(body) <= MAX_BODY
                if not message.get("more_body") and len(body) <= MAX_BODY:
                    found(bytes(body))
        return message

    return watched


def _answering(send: Send, correlation_id: str) -> Send:
    """A send that adds X-Correlation-ID, unless the application sets its own."""
    header = vocabulary.CORRELATION_ID_HEADER.lower().encode()

    async def answered(message: Message) -> None:
        if message["type"] == "http.response.start":
            with fail_open("cannot return X-Correlation-ID"):
                headers = list(message.get("headers", ()))
                if all(name.lower() != header for name, _ in headers):
                    headers.append((header, correlation_id.encode("latin-1")))
                    message["headers"] = headers
        await send(message)

    return answered
