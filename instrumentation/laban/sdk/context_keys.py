"""Where OpenTelemetry keeps what it propagates in a context, for what looks there at every record and span.

Its functions take three calls for each look.
"""

from typing import Final

from opentelemetry import baggage, trace
from opentelemetry.context import Context, get_current

# Its own answer, as it names the keys anew in each process.
(SPAN,) = trace.set_span_in_context(trace.INVALID_SPAN, Context())
(BAGGAGE,) = baggage.set_baggage("", "", Context())

_NO_BAGGAGE: Final[dict[str, object]] = {}


def baggage_in(context: Context | None) -> dict[str, object]:
    """What `baggage.get_all` answers; not to be changed."""
    found = (get_current() if context is None else context).get(BAGGAGE)
    return found if isinstance(found, dict) else _NO_BAGGAGE


def with_span(span: trace.Span, context: Context) -> Context:
    """What `trace.set_span_in_context` answers."""
    return Context({**context, SPAN: span})
