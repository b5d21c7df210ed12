"""The span processor that marks every span with the business keys of its trace."""

from opentelemetry import baggage, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor

from laban import vocabulary
from laban.correlation import Correlations, correlations_of, remember
from laban.fail_open import failing_open
from laban.keys import bounded
from laban.propagation import noted_in_headers
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
            noted = noted_in_headers(parent_context)
            correlations.add(noted.keys, on=span)
            if noted.request_id:
                span.set_attribute(vocabulary.REQUEST_ID, noted.request_id)
        remember(span, correlations)
        if self._rules.look_into(span.kind):
            correlations.add(self._rules.in_span(span.kind, span.attributes or {}), on=span)
        span.set_attributes(correlations.attributes)

    def _inherited(self, context: Context | None) -> dict[str, str]:
        """What came as baggage and is a business key with a sane value; at most MAX_KEYS."""
        accepted: dict[str, str] = {}
        for name, offered in baggage.get_all(context).items():
            value = bounded(offered)
            if value and self._rules.is_business_key(name):
                accepted[name] = value
                if len(accepted) == MAX_KEYS:
                    break
        return accepted
