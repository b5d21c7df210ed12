"""Business keys and ids from hop to hop: W3C baggage, and X-Correlation-ID for those who read it.

Works through OpenTelemetry's global propagator, so it reaches whatever an instrumentation injects into: HTTP
headers, gRPC metadata, Kafka headers.
"""

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from opentelemetry import baggage, propagate, trace
from opentelemetry.context import Context, create_key, get_value, set_value
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from laban import vocabulary
from laban.business_keys import w3c_headers
from laban.business_keys.correlation import correlations_of
from laban.business_keys.keys import bounded
from laban.business_keys.rules import KeyRules
from laban.business_keys.trust import FORWARDED, Trust, configured_trust
from laban.fail_open import fail_open
from laban.sdk.context_keys import BAGGAGE, SPAN

NOTED: Final = create_key("laban-noted-in-headers")
_PLAIN: Final = frozenset(
    {
        w3c_headers.TRACEPARENT,
        w3c_headers.BAGGAGE,
        vocabulary.CORRELATION_ID_HEADER,
        vocabulary.CORRELATION_ID_HEADER.lower(),
    }
)
"""Headers that can be read at once."""
_ASGI: Final = ("http", "websocket")


class CorrelationPropagator(TextMapPropagator):
    """Adds to another propagator: business keys in its baggage, X-Correlation-ID, and header rules.

    Args:
        inner: what else is propagated.
        rules: which baggage is a business key, and which headers hold one.
        trust: from whom business keys are accepted; by default what LABAN_TRUST_BAGGAGE says.
    """

    def __init__(self, inner: TextMapPropagator, rules: KeyRules, trust: Trust | None = None) -> None:
        self._inner = inner
        self._is_w3c = w3c_headers.is_all_of(inner)
        self._read = w3c_headers.extract if self._is_w3c else inner.extract
        self._rules = rules
        self._trust = trust or configured_trust()
        names = {*inner.fields, *FORWARDED, vocabulary.CORRELATION_ID_HEADER, vocabulary.REQUEST_ID_HEADER}
        names |= {rule.argument for rule in rules.of("header")}
        self._wanted = frozenset(name.lower().encode("latin-1") for name in names)
        ruled = {rule.argument for rule in rules.of("header")}
        self._telling = frozenset(_in_any_case(names) - _PLAIN | _in_any_case(ruled))

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Read what the caller sent; where no correlation id came with it, this is the edge: make one."""
        if isinstance(carrier, dict) and carrier.get("type") in _ASGI:
            return self._extracted(self._headers_of(carrier), context, default_getter)
        return self._extracted(carrier, context, getter)

    def _extracted(self, carrier: CarrierT, context: Context | None, getter: Getter[CarrierT]) -> Context:
        extracted = self._read(carrier, context, getter)
        with fail_open("cannot read correlation headers"):
            if baggage.get_all(extracted):
                extracted = self._with_trusted(carrier, extracted, getter)
            return self._with_noted(carrier, _with_correlation_id(carrier, extracted, getter), getter)
        return extracted

    def extract_plain(self, names: Iterable[str], text: Callable[[str], str | None]) -> Context | None:
        """What `extract` answers on top of nothing, at once, where the headers are as we write them.

        For the headers of messages: their baggage is believed.

        Args:
            names: of all headers.
            text: answers the value of one of them.

        Returns:
            None where there is more to read, or something that is not plain.
        """
        if not (self._is_w3c and self._telling.isdisjoint(names)):
            return None
        parent = w3c_headers.plain_parent(text(w3c_headers.TRACEPARENT) or "")
        sent = w3c_headers.plain_baggage(text(w3c_headers.BAGGAGE) or "")
        if parent is None or sent is None:
            return None
        # Whether it is sent beside the baggage or in it, is said there.
        given = text(vocabulary.CORRELATION_ID_HEADER) or text(vocabulary.CORRELATION_ID_HEADER.lower())
        known = bounded(given) or bounded(sent.get(vocabulary.CORRELATION_ID)) or _new_id()
        sent[vocabulary.CORRELATION_ID] = known
        return Context({SPAN: trace.NonRecordingSpan(parent), BAGGAGE: sent})

    def _headers_of(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """What of an ASGI request is looked for, read once: stock's getter reads all headers for each one."""
        headers: dict[str, Any] = {"client": scope.get("client")}
        for raw, value in scope["headers"]:
            name = raw.lower()
            if name in self._wanted:
                text = value.decode("latin-1")
                key = name.decode("latin-1")
                headers[key] = f"{headers[key]},{text}" if key in headers else text
        return headers

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Write the trace context and all business keys known by now."""
        sent = context
        with fail_open("cannot hand on business keys"):
            sent = _with_known_keys(context)
            correlation_id = baggage.get_baggage(vocabulary.CORRELATION_ID, sent)
            if isinstance(correlation_id, str) and not _has_correlation_id(carrier):
                setter.set(carrier, vocabulary.CORRELATION_ID_HEADER, correlation_id)
            _note_request_id(carrier, context)
        self._inner.inject(carrier, sent, setter)

    @property
    def fields(self) -> set[str]:
        """The headers that it writes."""
        return self._inner.fields | {vocabulary.CORRELATION_ID_HEADER}

    def _with_trusted(self, carrier: CarrierT, context: Context, getter: Getter[CarrierT]) -> Context:
        """Without the business keys of a caller that is not trusted; other baggage is not ours to judge."""
        keys = [name for name in baggage.get_all(context) if self._rules.is_business_key(name)]
        if keys and not self._trust.accepts(carrier, getter):
            for name in keys:
                context = baggage.remove_baggage(name, context)
        return context

    def _with_noted(self, carrier: CarrierT, context: Context, getter: Getter[CarrierT]) -> Context:
        request_id = _header(carrier, getter, vocabulary.REQUEST_ID_HEADER)
        rules = self._rules.of("header")
        if not (rules or request_id):
            return context
        found: dict[str, str] = {}
        for rule in rules:
            value = _header(carrier, getter, rule.argument)
            if value:
                found.setdefault(rule.key, value)
        return set_value(NOTED, Noted(found, request_id), context) if found or request_id else context


class Noted(NamedTuple):
    """What was found in the headers from which a context was extracted.

    Attributes:
        keys: the business keys that header rules name, {canonical key: value}.
        request_id: the X-Request-ID.
    """

    keys: Mapping[str, str]
    request_id: str | None


_NOTHING: Final = Noted({}, None)


def noted_in_headers(context: Context | None) -> Noted:
    """What was found in the headers from which this context, or one around it, was extracted."""
    found = get_value(NOTED, context)
    return found if isinstance(found, Noted) else _NOTHING


def install(rules: KeyRules) -> None:
    """Make it the global propagator, around the one of OTEL_PROPAGATORS. Twice does no harm."""
    current = propagate.get_global_textmap()
    if not isinstance(current, CorrelationPropagator):
        propagate.set_global_textmap(CorrelationPropagator(current, rules))


def _with_correlation_id(carrier: CarrierT, context: Context, getter: Getter[CarrierT]) -> Context:
    sent = _header(carrier, getter, vocabulary.CORRELATION_ID_HEADER)
    known = baggage.get_baggage(vocabulary.CORRELATION_ID, context)
    correlation_id = sent or bounded(known) or _new_id()
    if correlation_id == known:
        return context
    return baggage.set_baggage(vocabulary.CORRELATION_ID, correlation_id, context)


def _in_any_case(names: Collection[str]) -> set[str]:
    return {*names, *(name.lower() for name in names)}


def _new_id() -> str:
    # Unique, not secret: reading the system's entropy would cost more than all the rest of this module.
    return f"{random.getrandbits(128):032x}"


def _header(carrier: CarrierT, getter: Getter[CarrierT], name: str) -> str | None:
    # gRPC metadata is lower case, and its carrier is a plain dict.
    values = getter.get(carrier, name) or getter.get(carrier, name.lower())
    return bounded(values[0]) if values else None


def _has_correlation_id(carrier: object) -> bool:
    """Whether the user has set the header on this call: that one is meant."""
    return isinstance(carrier, Mapping) and (
        vocabulary.CORRELATION_ID_HEADER in carrier or vocabulary.CORRELATION_ID_HEADER.lower() in carrier
    )


def _note_request_id(carrier: object, context: Context | None) -> None:
    """Put the X-Request-ID that the user sends with this call on its client span."""
    if isinstance(carrier, Mapping):
        sent = carrier.get(vocabulary.REQUEST_ID_HEADER) or carrier.get(vocabulary.REQUEST_ID_HEADER.lower())
        request_id = bounded(sent)
        if request_id:
            trace.get_current_span(context).set_attribute(vocabulary.REQUEST_ID, request_id)


def _with_known_keys(context: Context | None) -> Context | None:
    correlations = correlations_of(trace.get_current_span(context))
    if correlations is None:
        return context
    sent = baggage.get_all(context)
    for key, value in correlations.known.items():
        if key not in sent:
            context = baggage.set_baggage(key, value, context)
    return context
