"""The short way to read trace context and baggage, against the SDK's own."""

import pytest
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from laban import w3c
from laban.kafka.headers import HeaderGetter
from laban.propagation import CorrelationPropagator
from laban.rules import Rules

ID = "0af7651916cd43dd8448eb211c80319c"
SPAN = "00f067aa0ba902b7"
STOCK = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": f"00-{ID}-{SPAN}-01"},
        {"traceparent": f"00-{ID}-{SPAN}-03"},
        {"traceparent": f" 00-{ID}-{SPAN}-00\t"},
        {"traceparent": f"00-{ID}-{SPAN}-01\n"},
        {"traceparent": f"00-{ID}-{SPAN}-01-more"},
        {"traceparent": f"01-{ID}-{SPAN}-01-more"},
        {"traceparent": f"ff-{ID}-{SPAN}-01"},
        {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
        {"traceparent": f"00-{ID}-{'0' * 16}-01"},
        {"traceparent": f"00-{ID.upper()}-{SPAN}-01"},
        {"traceparent": "nonsense", "baggage": "order.id=7"},
        {"traceparent": f"00-{ID}-{SPAN}-01", "tracestate": "a=1,b=2"},
        {"traceparent": f"00-{ID}-{SPAN}-01", "tracestate": ""},
        {"traceparent": f"00-{ID}-{SPAN}-01", "baggage": "order.id=7,x = y%20z"},
        {"baggage": "order.id=7"},
        {"baggage": ""},
    ],
)
def test_it_reads_what_the_sdk_reads(headers: dict[str, str]) -> None:
    for carrier in (headers, {name: [value] for name, value in headers.items()}):
        read, expected = w3c.extract(carrier, Context()), STOCK.extract(carrier, Context())
        assert trace.get_current_span(read).get_span_context() == (
            trace.get_current_span(expected).get_span_context()
        )
        assert baggage.get_all(read) == baggage.get_all(expected)
        assert len(read) == len(expected)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (STOCK, True),
        (CompositePropagator([TraceContextTextMapPropagator()]), False),
        (CompositePropagator([W3CBaggagePropagator(), TraceContextTextMapPropagator()]), False),
        (TraceContextTextMapPropagator(), False),
    ],
)
def test_other_propagators_are_left_to_read_for_themselves(
    inner: CompositePropagator, *, expected: bool
) -> None:
    assert w3c.is_all_of(inner) is expected


@pytest.mark.parametrize("name", ["tracestate", "baggage", "X-Correlation-ID", "x-request-id"])
def test_a_record_with_more_to_read_is_read_in_full(name: str) -> None:
    propagator = CorrelationPropagator(STOCK, Rules())
    traceparent = f"00-{ID}-{SPAN}-01"
    assert propagator.extract_plain({"traceparent": b"", name: b""}, traceparent) is None
    plain = propagator.extract_plain({"traceparent": b"", "mine": b""}, traceparent)
    headers = [("traceparent", traceparent.encode()), ("mine", b"")]
    full = propagator.extract(headers, Context(), HeaderGetter(headers))
    assert plain is not None
    assert trace.get_current_span(plain).get_span_context() == (
        trace.get_current_span(full).get_span_context()
    )
    assert baggage.get_all(plain).keys() == baggage.get_all(full).keys() == {"correlation.id"}
    assert plain.keys() == full.keys()
