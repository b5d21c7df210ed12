"""Starlette: traces every application, including classes imported or derived before instrumentation.

Upstream replaces the class `Starlette`: it misses earlier imports, and gives a FastAPI application, which
derives from the class, two server spans.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

import wrapt
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from starlette.applications import Starlette

from laban.business_keys.key_rules import configured_rules
from laban.fail_open import fail_open
from laban.http import asgi

_OPTIONS: Final = (
    "server_request_hook",
    "client_request_hook",
    "client_response_hook",
    "meter_provider",
    "tracer_provider",
)


class LabanStarletteInstrumentor(StarletteInstrumentor):
    """Adds upstream's middleware to every new application."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        asgi.install(configured_rules())
        options = {name: kwargs[name] for name in _OPTIONS if name in kwargs}

        def init(
            wrapped: Callable[..., None], app: Starlette, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> None:
            wrapped(*args, **kwargs)
            with fail_open("cannot trace a Starlette application"):
                if not _is_fastapi(app):
                    StarletteInstrumentor.instrument_app(app, **options)

        wrapt.wrap_function_wrapper(Starlette, "__init__", init)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - upstream's signature
        unwrap(Starlette, "__init__")


def _is_fastapi(app: Starlette) -> bool:
    """Whether the application is FastAPI's, which has its own instrumentation."""
    fastapi = sys.modules.get("fastapi")
    return fastapi is not None and isinstance(app, getattr(fastapi, "FastAPI", ()))
