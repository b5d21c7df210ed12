"""The propagator that carries business keys (as W3C baggage) and the correlation ID between services.

It becomes OpenTelemetry's global propagator, so every instrumentation uses it: for HTTP headers, gRPC
metadata and Kafka headers.
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
from laban.business_keys.key_rules import KeyRules
from laban.business_keys.keys import bounded
from laban.business_keys.trust import FORWARDED, Trust, configured_trust
from laban.fail_open import fail_open
from laban.sdk.context_values import BAGGAGE, SPAN

HEADER_KEYS: Final = create_key("laban-header-keys")
_PLAIN_HEADERS: Final = frozenset(
    {
        w3c_headers.TRACEPARENT,
        w3c_headers.BAGGAGE,
        vocabulary.CORRELATION_ID_HEADER,
        vocabulary.CORRELATION_ID_HEADER.lower(),
    }
)
"""Headers that `extract_plain` can read."""
_ASGI: Final = ("http", "websocket")


class CorrelationPropagator(TextMapPropagator):
    """Wraps another propagator and adds business keys (in its baggage), X-Correlation-ID and header rules.

    Args:
        inner: the wrapped propagator.
        rules: which baggage entries and headers are business keys.
        trust: whose business keys to accept; by default as LABAN_TRUST_BAGGAGE says.
    """

    def __init__(self, inner: TextMapPropagator, rules: KeyRules, trust: Trust | None = None) -> None:
        self._inner = inner
        self._is_w3c = w3c_headers.is_default(inner)
        self._read = w3c_headers.extract if self._is_w3c else inner.extract
        self._rules = rules
        self._trust = trust or configured_trust()
        names = {*inner.fields, *FORWARDED, vocabulary.CORRELATION_ID_HEADER, vocabulary.REQUEST_ID_HEADER}
        names |= {rule.argument for rule in rules.of("header")}
        self._wanted = frozenset(name.lower().encode("latin-1") for name in names)
        ruled = {rule.argument for rule in rules.of("header")}
        self._other_headers = frozenset(_in_any_case(names) - _PLAIN_HEADERS | _in_any_case(ruled))

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Read the caller's headers; without a correlation ID, the caller is external, so create one."""
        if isinstance(carrier, dict) and carrier.get("type") in _ASGI:
            return self._extracted(self._headers_of(carrier), context, default_getter)
        return self._extracted(carrier, context, getter)

    def _extracted(self, carrier: CarrierT, context: Context | None, getter: Getter[CarrierT]) -> Context:
        extracted = self._read(carrier, context, getter)
        with fail_open("cannot read correlation headers"):
            if baggage.get_all(extracted):
                extracted = self._with_trusted(carrier, extracted, getter)
            return self._with_header_keys(carrier, _with_correlation_id(carrier, extracted, getter), getter)
        return extracted

    def extract_plain(self, names: Iterable[str], text: Callable[[str], str | None]) -> Context | None:
        """The same as `extract` into an empty context, but faster, for message headers that laban wrote.

        Message headers are trusted.

        Args:
            names: the names of all headers.
            text: returns the value of a header, or None.

        Returns:
            None if other headers must be read too, or if a header is not plain.
        """
        if not (self._is_w3c and self._other_headers.isdisjoint(names)):
            return None
        parent = w3c_headers.plain_parent(text(w3c_headers.TRACEPARENT) or "")
        sent = w3c_headers.plain_baggage(text(w3c_headers.BAGGAGE) or "")
        if parent is None or sent is None:
            return None
        # The correlation ID comes as a header, as baggage or as both.
        given = text(vocabulary.CORRELATION_ID_HEADER) or text(vocabulary.CORRELATION_ID_HEADER.lower())
        known = bounded(given) or bounded(sent.get(vocabulary.CORRELATION_ID)) or _new_id()
        sent[vocabulary.CORRELATION_ID] = known
        return Context({SPAN: trace.NonRecordingSpan(parent), BAGGAGE: sent})

    def _headers_of(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        """The wanted headers of an ASGI request, in one pass; upstream's getter makes one pass per header."""
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
        """Write the trace context and all business keys known so far."""
        sent = context
        with fail_open("cannot propagate business keys"):
            sent = _with_known_keys(context)
            correlation_id = baggage.get_baggage(vocabulary.CORRELATION_ID, sent)
            if isinstance(correlation_id, str) and not _has_correlation_id(carrier):
                setter.set(carrier, vocabulary.CORRELATION_ID_HEADER, correlation_id)
            _record_request_id(carrier, context)
        self._inner.inject(carrier, sent, setter)

    @property
    def fields(self) -> set[str]:
        """The headers that `inject` writes."""
        return self._inner.fields | {vocabulary.CORRELATION_ID_HEADER}

    def _with_trusted(self, carrier: CarrierT, context: Context, getter: Getter[CarrierT]) -> Context:
        """The context without the business keys of an untrusted caller; other baggage stays."""
        keys = [name for name in baggage.get_all(context) if self._rules.is_business_key(name)]
        if keys and not self._trust.accepts(carrier, getter):
            for name in keys:
                context = baggage.remove_baggage(name, context)
        return context

    def _with_header_keys(self, carrier: CarrierT, context: Context, getter: Getter[CarrierT]) -> Context:
        request_id = _header(carrier, getter, vocabulary.REQUEST_ID_HEADER)
        rules = self._rules.of("header")
        if not (rules or request_id):
            return context
        found: dict[str, str] = {}
        for rule in rules:
            value = _header(carrier, getter, rule.argument)
            if value:
                found.setdefault(rule.key, value)
        return (
            set_value(HEADER_KEYS, HeaderKeys(found, request_id), context) if found or request_id else context
        )


class HeaderKeys(NamedTuple):
    """Keys found in the headers from which a context was extracted.

    Attributes:
        keys: the business keys that header rules name, {canonical key: value}.
        request_id: the X-Request-ID, if any.
    """

    keys: Mapping[str, str]
    request_id: str | None


_NO_HEADER_KEYS: Final = HeaderKeys({}, None)


def header_keys(context: Context | None) -> HeaderKeys:
    """Keys found in the headers from which this context, or an outer one, was extracted."""
    found = get_value(HEADER_KEYS, context)
    return found if isinstance(found, HeaderKeys) else _NO_HEADER_KEYS


def install(rules: KeyRules) -> None:
    """Make it the global propagator, around that of OTEL_PROPAGATORS. A second call does nothing."""
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
    # Unique, not secret: reading system entropy would cost more than the rest of this module.
    return f"{random.getrandbits(128):032x}"


def _header(carrier: CarrierT, getter: Getter[CarrierT], name: str) -> str | None:
    # gRPC metadata is lower case, and its carrier is a plain dict.
    values = getter.get(carrier, name) or getter.get(carrier, name.lower())
    return bounded(values[0]) if values else None


def _has_correlation_id(carrier: object) -> bool:
    """Whether the user has set the header on this call; that value wins."""
    return isinstance(carrier, Mapping) and (
        vocabulary.CORRELATION_ID_HEADER in carrier or vocabulary.CORRELATION_ID_HEADER.lower() in carrier
    )


def _record_request_id(carrier: object, context: Context | None) -> None:
    """Record the X-Request-ID that the user sends with this call on its client span."""
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
