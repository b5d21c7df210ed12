"""Celery: adds the messaging system to spans, and exports the last spans of a worker's pool processes.

Upstream sets no messaging system, and loses the spans of a pool process's last half second.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import wrapt
from celery import signals
from opentelemetry import trace
from opentelemetry.instrumentation.celery import CeleryInstrumentor, utils
from opentelemetry.instrumentation.utils import unwrap
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span

from laban import vocabulary
from laban.fail_open import failing_open

_MAX_FLUSH_MS: Final = 5_000
"""How long the shutdown of a pool process waits for the export."""


class LabanCeleryInstrumentor(CeleryInstrumentor):
    """Upstream's instrumentor, patched."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]  # upstream has no types
        wrapt.wrap_function_wrapper(utils, "set_attributes_from_context", _set_system)
        signals.worker_process_shutdown.connect(_flush, weak=False)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)  # type: ignore[no-untyped-call]  # upstream has no types
        unwrap(utils, "set_attributes_from_context")
        signals.worker_process_shutdown.disconnect(_flush)


def _set_system(
    wrapped: Callable[..., None],
    _module: object,
    args: tuple[Span, Mapping[str, Any]],
    kwargs: dict[str, Any],
) -> None:
    args[0].set_attribute(vocabulary.MESSAGING_SYSTEM, vocabulary.CELERY)
    wrapped(*args, **kwargs)


@failing_open("cannot export the last spans of a Celery worker")
def _flush(**_: Any) -> None:
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(_MAX_FLUSH_MS)
