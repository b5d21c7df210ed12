"""ASGI servers (FastAPI, Starlette): business keys in JSON bodies, correlation ID in the response.

Upstream's middleware starts the server span. Laban's middleware runs directly inside it, and the application
sees no difference.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, cast

import wrapt
from opentelemetry import baggage, trace
from opentelemetry.instrumentation import asgi as upstream
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.metrics import NoOpMeter

from laban import vocabulary
from laban.business_keys.correlation import correlations_of
from laban.business_keys.key_rules import KeyRules
from laban.fail_open import fail_open
from laban.http.json_body import MAX_BODY, is_json, record_keys

_EVENTS: Final = ["send", "receive"]

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def install(rules: KeyRules) -> None:
    """Add laban's middleware to each new upstream ASGI middleware. A second call does nothing."""
    if isinstance(vars(OpenTelemetryMiddleware)["__init__"], wrapt.FunctionWrapper):
        return
    no_metrics = os.environ.get("OTEL_METRICS_EXPORTER") == "none"

    def init(
        wrapped: Callable[..., None], instance: object, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        # A span for each ASGI event doubles the number of spans and adds no information.
        if kwargs.get("exclude_spans") is None:
            kwargs["exclude_spans"] = _EVENTS
        if no_metrics:
            kwargs["meter"] = NoOpMeter(vocabulary.SCOPE_ASGI)
        wrapped(*args, **kwargs)
        with fail_open("cannot find business keys in HTTP requests"):
            middleware = cast("Any", instance)
            middleware.app = CorrelationMiddleware(middleware.app, rules)

    wrapt.wrap_function_wrapper(OpenTelemetryMiddleware, "__init__", init)
    if no_metrics:
        wrapt.wrap_function_wrapper(upstream, "_start_internal_or_server_span", _start_span)


def uninstall() -> None:
    """Restore upstream's middleware."""
    unwrap(OpenTelemetryMiddleware, "__init__")
    unwrap(upstream, "_start_internal_or_server_span")


def _start_span(
    wrapped: Callable[..., Any], _instance: object, args: tuple[object, ...], kwargs: dict[str, Any]
) -> Any:
    """Start the server span, then clear the dictionary of attributes that it was given.

    Upstream would set each attribute on the span a second time, and sort them for metrics that nobody
    exports.
    """
    started = wrapped(*args, **kwargs)
    kwargs["attributes"].clear()
    return started


class CorrelationMiddleware:
    """Finds business keys in JSON bodies while the application reads them, and returns X-Correlation-ID."""

    def __init__(self, app: Application, rules: KeyRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with fail_open("cannot find business keys in HTTP requests"):
            if scope.get("root_path"):
                self._find_below_root(scope)
            if _is_json(scope):
                receive = _with_body_callback(receive, self._record_keys)
            correlation_id = baggage.get_baggage(vocabulary.CORRELATION_ID)
            if isinstance(correlation_id, str):
                send = _with_correlation_id(send, correlation_id)
        await self._app(scope, receive, send)

    def _find_below_root(self, scope: Scope) -> None:
        # The route of a mounted application covers only the end of the path.
        span: Any = trace.get_current_span()
        correlations = correlations_of(span)
        if correlations is not None:
            route = span.attributes.get(vocabulary.HTTP_ROUTE, "")
            path = scope["path"].removeprefix(scope["root_path"])
            correlations.add(self._rules.in_route(route, path), on=span)

    def _record_keys(self, body: bytes) -> None:
        record_keys(body, self._rules)


def _is_json(scope: Scope) -> bool:
    return any(
        name.lower() == b"content-type" and is_json(value.decode("latin-1"))
        for name, value in scope["headers"]
    )


def _with_body_callback(receive: Receive, callback: Callable[[bytes], None]) -> Receive:
    """A `receive` that also passes the whole body to the callback, once the application has read it."""
    body = bytearray()
    reading = True

    async def receive_and_collect() -> Message:
        nonlocal reading
        message = await receive()
        if reading and message["type"] == "http.request":
            with fail_open("cannot find business keys in JSON bodies"):
                body.extend(message.get("body", b""))
                reading = bool(message.get("more_body")) and len(body) <= MAX_BODY
                if not message.get("more_body") and len(body) <= MAX_BODY:
                    callback(bytes(body))
        return message

    return receive_and_collect


def _with_correlation_id(send: Send, correlation_id: str) -> Send:
    """A `send` that adds X-Correlation-ID unless the application sets it."""
    header = vocabulary.CORRELATION_ID_HEADER.lower().encode()

    async def send_with_header(message: Message) -> None:
        if message["type"] == "http.response.start":
            with fail_open("cannot return X-Correlation-ID"):
                headers = list(message.get("headers", ()))
                if all(name.lower() != header for name, _ in headers):
                    headers.append((header, correlation_id.encode("latin-1")))
                    message["headers"] = headers
        await send(message)

    return send_with_header
