"""Celery: spans say that they are Celery's, and a worker's last ones are delivered.

Stock names no messaging system; and the processes of a worker's pool end without a word, with what the last
half second has brought.
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

_LONGEST_MS: Final = 5_000
"""A worker's main process waits for its pool as long as tasks last; for spans no longer than this."""


class LabanCeleryInstrumentor(CeleryInstrumentor):
    """Stock's instrumentor, mended."""

    _instance = None

    def _instrument(self, **kwargs: Any) -> None:
        super()._instrument(**kwargs)  # type: ignore[no-untyped-call]  # stock has no types
        wrapt.wrap_function_wrapper(utils, "set_attributes_from_context", _name_system)
        signals.worker_process_shutdown.connect(_deliver, weak=False)

    def _uninstrument(self, **kwargs: Any) -> None:
        super()._uninstrument(**kwargs)  # type: ignore[no-untyped-call]  # stock has no types
        unwrap(utils, "set_attributes_from_context")
        signals.worker_process_shutdown.disconnect(_deliver)


def _name_system(
    wrapped: Callable[..., None],
    _module: object,
    args: tuple[Span, Mapping[str, Any]],
    kwargs: dict[str, Any],
) -> None:
    args[0].set_attribute(vocabulary.MESSAGING_SYSTEM, vocabulary.CELERY)
    wrapped(*args, **kwargs)


@failing_open("cannot deliver the last spans of a Celery worker")
def _deliver(**_: Any) -> None:
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(_LONGEST_MS)
