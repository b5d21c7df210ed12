"""Starlette: every application, also of classes that were imported or derived before.

Stock swaps the class: earlier imports are not traced, and an application of FastAPI, whose base it then is,
gets two server spans.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

import wrapt
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.instrumentation.utils import unwrap
from starlette.applications import Starlette

from laban.business_keys.rules import configured_rules
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
    """Stock's middleware, put into every application that is made."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        asgi.install(configured_rules())
        options = {name: kwargs[name] for name in _OPTIONS if name in kwargs}

        def make(
            wrapped: Callable[..., None], app: Starlette, args: tuple[Any, ...], kwargs: dict[str, Any]
        ) -> None:
            wrapped(*args, **kwargs)
            with fail_open("cannot trace a Starlette application"):
                if not _is_fastapi(app):
                    StarletteInstrumentor.instrument_app(app, **options)

        wrapt.wrap_function_wrapper(Starlette, "__init__", make)

    def _uninstrument(self, **kwargs: Any) -> None:  # noqa: ARG002 - stock's signature
        unwrap(Starlette, "__init__")


def _is_fastapi(app: Starlette) -> bool:
    """Whether it has an instrumentation of its own."""
    fastapi = sys.modules.get("fastapi")
    return fastapi is not None and isinstance(app, getattr(fastapi, "FastAPI", ()))
