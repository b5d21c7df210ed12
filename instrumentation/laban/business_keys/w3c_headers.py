"""Trace context and baggage read as the SDK reads them, in one step where the headers are plain.

Every request and every record comes with them: the SDK looks for five headers through three propagators, and
searches a pattern with all that a later version may bring.
"""

import re
from typing import Final

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import CarrierT, Getter, TextMapPropagator, default_getter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT: Final = "traceparent"
BAGGAGE: Final = "baggage"
_PLAIN: Final = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
# Neither escapes nor properties nor spaces, and far from the limits.
_PLAIN_BAGGAGE: Final = re.compile(r"[\w.-]+=[\w.-]+(?:,[\w.-]+=[\w.-]+)*", re.ASCII)
_MAX_PLAIN_BAGGAGE: Final = 512
_trace_context: Final = TraceContextTextMapPropagator()
_baggage: Final = W3CBaggagePropagator()


def is_all_of(propagator: TextMapPropagator) -> bool:
    """Whether it reads these two and no more, as it does unless OTEL_PROPAGATORS says otherwise."""
    if type(propagator) is not CompositePropagator:
        return False
    inner = propagator._propagators  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # nobody else tells
    return [type(each) for each in inner] == [TraceContextTextMapPropagator, W3CBaggagePropagator]


def extract(
    carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
) -> Context:
    """What `CompositePropagator.extract` answers with these two inside."""
    base = Context() if context is None else context
    traceparent = getter.get(carrier, TRACEPARENT)
    if traceparent:
        base = _with_parent(traceparent[0], carrier, base, getter)
    return _baggage.extract(carrier, base, getter) if getter.get(carrier, BAGGAGE) else base


def _with_parent(traceparent: str, carrier: CarrierT, context: Context, getter: Getter[CarrierT]) -> Context:
    parent = plain_parent(traceparent)
    if parent is None or getter.get(carrier, "tracestate"):
        return _trace_context.extract(carrier, context, getter)
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), context)


def plain_parent(traceparent: str) -> trace.SpanContext | None:
    """The span that a traceparent of this version names; None where that is not all, or none is valid."""
    plain = _PLAIN.fullmatch(traceparent)
    if plain is None:
        return None
    trace_id, span_id, flags = plain.groups()
    parent = trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16)))
    return parent if parent.is_valid else None


def plain_baggage(header: str) -> dict[str, object] | None:
    """What a baggage header says, as a new dictionary; None where its reading takes more than to split it."""
    if not header:
        return {}
    if len(header) > _MAX_PLAIN_BAGGAGE or _PLAIN_BAGGAGE.fullmatch(header) is None:
        return None
    said: dict[str, object] = {}
    for entry in header.split(","):
        name, value = entry.split("=")
        said[name] = value
    return said
