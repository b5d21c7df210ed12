"""The span processor that marks every span with the business keys of its trace."""

from itertools import islice

from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor

from laban import vocabulary
from laban.correlation import Correlations, correlations_of, remember
from laban.fail_open import failing_open
from laban.keys import bounded
from laban.propagation import found_in_headers, request_id_of
from laban.rules import MAX_KEYS, Rules


class CorrelationProcessor(SpanProcessor):
    """Marks each span that starts with what is known in its part of the trace, and looks into it for more."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    @failing_open("cannot mark spans with business keys")
    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called by the SDK in the thread that starts the span."""
        correlations = correlations_of(trace.get_current_span(parent_context))
        if correlations is None:
            correlations = Correlations(span, self._inherited(parent_context))
            correlations.add(found_in_headers(parent_context), on=span)
            request_id = request_id_of(parent_context)
            if request_id:
                span.set_attribute(vocabulary.REQUEST_ID, request_id)
        remember(span, correlations)
        correlations.add(self._rules.in_span(span.kind, span.attributes or {}), on=span)
        span.set_attributes(correlations.attributes)

    def _inherited(self, context: Context | None) -> dict[str, str]:
        """What came as baggage and is a business key with a sane value; at most MAX_KEYS."""
        offered = ((name, bounded(value)) for name, value in baggage.get_all(context).items())
        accepted = ((name, value) for name, value in offered if value and self._rules.is_business_key(name))
        return dict(islice(accepted, MAX_KEYS))
