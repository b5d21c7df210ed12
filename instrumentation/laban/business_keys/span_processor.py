"""The span processor that sets the business keys of the trace on every span."""

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import Span, SpanProcessor

from laban import vocabulary
from laban.business_keys.correlation import Correlations, attach_correlations, correlations_of
from laban.business_keys.key_rules import MAX_KEYS, KeyRules
from laban.business_keys.keys import bounded
from laban.business_keys.propagation import HEADER_KEYS, header_keys
from laban.fail_open import report_failure
from laban.sdk.context_values import SPAN, baggage_in


class CorrelationProcessor(SpanProcessor):
    """Sets the known business keys on each span that starts, and searches its attributes for more."""

    def __init__(self, rules: KeyRules) -> None:
        self._rules = rules

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Called by the SDK in the thread that starts the span."""
        try:
            self._set_keys(span, parent_context)
        except Exception as error:  # noqa: BLE001 - like fail_open, but cheaper
            report_failure("cannot set business keys on spans", error)

    def _set_keys(self, span: Span, parent_context: Context | None) -> None:
        context = get_current() if parent_context is None else parent_context
        correlations = correlations_of(context.get(SPAN))
        if correlations is None:
            correlations = Correlations(span, self._inherited(context))
            if HEADER_KEYS in context:
                _add_header_keys(span, correlations, context)
        attach_correlations(span, correlations)
        if self._rules.searches(span.kind):
            correlations.add(self._rules.in_span(span.kind, span.attributes or {}), on=span)
        attributes = correlations.attributes
        if attributes:
            span.set_attributes(attributes)

    def _inherited(self, context: Context) -> dict[str, str]:
        """The business keys with valid values in the baggage; at most MAX_KEYS."""
        accepted: dict[str, str] = {}
        for name, offered in baggage_in(context).items():
            value = bounded(offered)
            if value and (name == vocabulary.CORRELATION_ID or self._rules.is_business_key(name)):
                accepted[name] = value
                if len(accepted) == MAX_KEYS:
                    break
        return accepted


def _add_header_keys(span: Span, correlations: Correlations, context: Context) -> None:
    found = header_keys(context)
    if found.keys:
        correlations.add(found.keys, on=span)
    if found.request_id:
        span.set_attribute(vocabulary.REQUEST_ID, found.request_id)
