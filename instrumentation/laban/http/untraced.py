"""Warns once, in one line, when Flask or Django handles a request that nothing traces.

laban traces neither itself. Both have signals for a started request, so nothing is patched, and a program
that only imports them hears nothing.
"""

import mmap
import os
from collections.abc import Callable
from types import ModuleType
from typing import Final

import wrapt
from opentelemetry import trace
from opentelemetry.util._importlib_metadata import entry_points

from laban.fail_open import fail_open, warn_once
from laban.missing_extras import disabled_instrumentations

SIGNALS: Final = {"flask": "flask.signals", "django": "django.core.signals"}
"""Instrumentation → the module with `request_started`."""


def watch() -> None:
    """Wait for the first request of a framework whose instrumentation is neither installed nor disabled."""
    disabled = disabled_instrumentations(os.environ)
    for name, module in SIGNALS.items():
        if not ({name, "*"} & disabled or entry_points(group="opentelemetry_instrumentor", name=name)):
            wrapt.register_post_import_hook(_watcher(name), module)


def _watcher(name: str) -> Callable[[ModuleType], None]:
    # Memory that is shared with workers that this process forks: the first of them warns for all.
    warned = mmap.mmap(-1, 1)

    def imported(signals: ModuleType) -> None:
        def started(*_sender: object, **_details: object) -> None:
            with fail_open(f"cannot tell that requests of {name} are not traced"):
                signals.request_started.disconnect(started)
                if not warned[0] and not trace.get_current_span().get_span_context().is_valid:
                    warned[0] = 1
                    _warn(name)

        with fail_open(f"cannot watch for requests of {name}"):
            if getattr(signals, "signals_available", True):  # in Flask 2.2, only with blinker
                # Strongly: nothing else refers to the function.
                signals.request_started.connect(started, weak=False)

    return imported


def _warn(name: str) -> None:
    from laban.bootstrap import pinned  # only here: few programs need it

    remedy = f"pip install {pinned(f'opentelemetry-instrumentation-{name}')}"
    warn_once(f"laban: {name.capitalize()} handles requests that are not traced: %s", remedy)
