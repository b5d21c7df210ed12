"""ASGI servers: business keys in JSON bodies, and the correlation id in the answer.

The stock middleware opens the server span; ours stands right behind it, for every framework that uses it
(FastAPI, Starlette, plain ASGI), and changes nothing that the application sees.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, cast

import wrapt
from opentelemetry import baggage, trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

from laban import vocabulary
from laban.correlation import correlations_of
from laban.fail_open import fail_open
from laban.rules import Rules

MAX_BODY: Final = 64 * 1024
"""Bytes; a longer body is handed through unread."""

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def install(rules: Rules) -> None:
    """Stand behind every stock ASGI middleware that is made from now on."""

    def stand_behind(
        wrapped: Callable[..., None], instance: object, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> None:
        wrapped(*args, **kwargs)
        with fail_open("cannot look into HTTP requests"):
            middleware = cast("Any", instance)
            middleware.app = CorrelationMiddleware(middleware.app, rules)

    wrapt.wrap_function_wrapper(OpenTelemetryMiddleware, "__init__", stand_behind)


class CorrelationMiddleware:
    """Looks into JSON request bodies as the application reads them, and returns X-Correlation-ID."""

    def __init__(self, app: Application, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI calls it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with fail_open("cannot look into HTTP requests"):
            if _is_json(scope):
                receive = _watching(receive, self._found_in_body)
            correlation_id = baggage.get_baggage(vocabulary.CORRELATION_ID)
            if isinstance(correlation_id, str):
                send = _answering(send, correlation_id)
        await self._app(scope, receive, send)

    def _found_in_body(self, body: bytes) -> None:
        try:
            document = json.loads(body)
        except ValueError:
            return  # not JSON after all: the application will say so
        span = trace.get_current_span()
        correlations = correlations_of(span)
        if correlations is not None:
            correlations.add(self._rules.in_json(document), on=span)


def _is_json(scope: Scope) -> bool:
    return any(
        name.lower() == b"content-type" and value.partition(b";")[0].strip().lower() == b"application/json"
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
