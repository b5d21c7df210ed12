"""A fast reader for W3C trace context and baggage; uncommon headers go through the SDK's propagators.

Every request and every record has these headers. The SDK looks up five headers through three propagators, and
matches a pattern that also covers later versions of the standard.
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
# No escapes, properties or spaces, and far below the size limits.
_PLAIN_BAGGAGE: Final = re.compile(r"[\w.-]+=[\w.-]+(?:,[\w.-]+=[\w.-]+)*", re.ASCII)
_MAX_PLAIN_BAGGAGE: Final = 512
_trace_context: Final = TraceContextTextMapPropagator()
_baggage: Final = W3CBaggagePropagator()


def is_default(propagator: TextMapPropagator) -> bool:
    """Whether it reads trace context and baggage and nothing else, the default of OTEL_PROPAGATORS."""
    if type(propagator) is not CompositePropagator:
        return False
    inner = propagator._propagators  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # no public access
    return [type(each) for each in inner] == [TraceContextTextMapPropagator, W3CBaggagePropagator]


def extract(
    carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
) -> Context:
    """The same as `CompositePropagator.extract` with the default propagators."""
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
    """The span context in a version-00 traceparent; None if it is invalid or has more to parse."""
    plain = _PLAIN.fullmatch(traceparent)
    if plain is None:
        return None
    trace_id, span_id, flags = plain.groups()
    parent = trace.SpanContext(int(trace_id, 16), int(span_id, 16), True, trace.TraceFlags(int(flags, 16)))
    return parent if parent.is_valid else None


def plain_baggage(header: str) -> dict[str, object] | None:
    """The entries of a baggage header, as a new dictionary; None if splitting is not enough to parse it."""
    if not header:
        return {}
    if len(header) > _MAX_PLAIN_BAGGAGE or _PLAIN_BAGGAGE.fullmatch(header) is None:
        return None
    entries: dict[str, object] = {}
    for entry in header.split(","):
        name, value = entry.split("=")
        entries[name] = value
    return entries
