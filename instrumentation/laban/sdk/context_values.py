"""Direct reads of OpenTelemetry's context: current span, baggage, suppression of instrumentation.

OpenTelemetry's own functions take three calls for each lookup, and laban looks at every record and span.
"""

from typing import Final

from opentelemetry import baggage, trace
from opentelemetry.context import Context, get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation

# Read from OpenTelemetry, which creates new keys in each process.
(SPAN,) = trace.set_span_in_context(trace.INVALID_SPAN, Context())
(BAGGAGE,) = baggage.set_baggage("", "", Context())
with suppress_instrumentation():
    _SUPPRESSION_KEYS: Final = frozenset(get_current())
"""May also contain keys of the context in which this module is loaded, which does no harm."""

_NO_BAGGAGE: Final[dict[str, object]] = {}


def baggage_in(context: Context | None) -> dict[str, object]:
    """The same as `baggage.get_all`; do not modify it."""
    found = (get_current() if context is None else context).get(BAGGAGE)
    return found if isinstance(found, dict) else _NO_BAGGAGE


def with_span(span: trace.Span, context: Context) -> Context:
    """The same as `trace.set_span_in_context`."""
    return Context({**context, SPAN: span})


def is_tracing() -> bool:
    """Whether instrumentation is enabled in the current context; exporters and health checks suppress it."""
    # Called for every record. Usually the context has no suppression key, and upstream need not be asked.
    return _SUPPRESSION_KEYS.isdisjoint(get_current()) or is_instrumentation_enabled()
