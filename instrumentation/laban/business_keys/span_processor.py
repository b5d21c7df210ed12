"""The span processor that marks every span with the business keys of its trace."""

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import Span, SpanProcessor

from laban import vocabulary
from laban.business_keys.correlation import Correlations, correlations_of, remember
from laban.business_keys.keys import bounded
from laban.business_keys.propagation import NOTED, noted_in_headers
from laban.business_keys.rules import MAX_KEYS, KeyRules
from laban.fail_open import failed
from laban.sdk.context_keys import SPAN, baggage_in


class CorrelationProcessor(SpanProcessor):
    """Marks each span that starts with what is known in its part of the trace, and looks into it for more."""

    def __init__(self, rules: KeyRules) -> None:
        self._rules = rules

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called by the SDK in the thread that starts the span."""
        try:
            self._mark(span, parent_context)
        except Exception as error:  # noqa: BLE001 - as fail_open, for less
            failed("cannot mark spans with business keys", error)

    def _mark(self, span: Span, parent_context: Context | None) -> None:
        context = get_current() if parent_context is None else parent_context
        correlations = correlations_of(context.get(SPAN))
        if correlations is None:
            correlations = Correlations(span, self._inherited(context))
            if NOTED in context:
                _take_noted(span, correlations, context)
        remember(span, correlations)
        if self._rules.look_into(span.kind):
            correlations.add(self._rules.in_span(span.kind, span.attributes or {}), on=span)
        attributes = correlations.attributes
        if attributes:
            span.set_attributes(attributes)

    def _inherited(self, context: Context) -> dict[str, str]:
        """What came as baggage and is a business key with a sane value; at most MAX_KEYS."""
        accepted: dict[str, str] = {}
        for name, offered in baggage_in(context).items():
            value = bounded(offered)
            if value and (name == vocabulary.CORRELATION_ID or self._rules.is_business_key(name)):
                accepted[name] = value
                if len(accepted) == MAX_KEYS:
                    break
        return accepted


def _take_noted(span: Span, correlations: Correlations, context: Context) -> None:
    noted = noted_in_headers(context)
    if noted.keys:
        correlations.add(noted.keys, on=span)
    if noted.request_id:
        span.set_attribute(vocabulary.REQUEST_ID, noted.request_id)
