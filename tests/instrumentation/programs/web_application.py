"""A web application as ASGI and WSGI, for servers with worker processes.

Each request starts a span `served PROCESS`.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry import trace


def serve() -> None:
    trace.get_tracer("program").start_span(f"served {os.getpid()}").end()


async def asgi(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    if scope["type"] != "http":
        return
    serve()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % os.getpid()})


def wsgi(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    serve()
    start_response("200 OK", [])
    return [b"%d" % os.getpid()]
