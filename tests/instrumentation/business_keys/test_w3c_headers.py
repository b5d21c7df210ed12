"""The fast reader of trace context and baggage returns the same as the SDK's propagators."""

import pytest
from opentelemetry import baggage, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from laban.business_keys import w3c_headers
from laban.business_keys.key_rules import KeyRules
from laban.business_keys.keys import parse_rules
from laban.business_keys.propagation import CorrelationPropagator
from laban.messaging.headers import HeaderGetter

ID = "0af7651916cd43dd8448eb211c80319c"
SPAN = "00f067aa0ba902b7"
UPSTREAM = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


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
def test_the_fast_reader_returns_the_same_as_the_sdk(headers: dict[str, str]) -> None:
    for carrier in (headers, {name: [value] for name, value in headers.items()}):
        read, expected = w3c_headers.extract(carrier, Context()), UPSTREAM.extract(carrier, Context())
        assert trace.get_current_span(read).get_span_context() == (
            trace.get_current_span(expected).get_span_context()
        )
        assert baggage.get_all(read) == baggage.get_all(expected)
        assert len(read) == len(expected)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (UPSTREAM, True),
        (CompositePropagator([TraceContextTextMapPropagator()]), False),
        (CompositePropagator([W3CBaggagePropagator(), TraceContextTextMapPropagator()]), False),
        (TraceContextTextMapPropagator(), False),
    ],
)
def test_only_the_default_propagators_are_replaced_by_the_fast_reader(
    inner: CompositePropagator, *, expected: bool
) -> None:
    assert w3c_headers.is_default(inner) is expected


PARENT = f"00-{ID}-{SPAN}-01"
PROPAGATOR = CorrelationPropagator(UPSTREAM, KeyRules())


def plain(propagator: CorrelationPropagator, headers: dict[str, str]) -> Context | None:
    return propagator.extract_plain(headers, headers.get)


@pytest.mark.parametrize(
    "more",
    [
        {"mine": ""},
        {"baggage": "order.id=7"},
        {"baggage": "order.id=7,order.id=8,a_b=c-d.e"},
        {"baggage": "order.id=7,correlation.id=abc"},
        {"baggage": "correlation.id=abc", "X-Correlation-ID": "abc"},
        {"baggage": "correlation.id=abc", "X-Correlation-ID": "other"},
        {"baggage": "correlation.id=" + "a" * 200},
        {"x-correlation-id": "abc"},
        {"X-Correlation-ID": "abc", "x-correlation-id": "lower"},
        {"X-Correlation-ID": " not\tprintable "},
    ],
)
def test_the_fast_reader_of_record_headers_returns_the_same_as_the_full_one(
    more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("laban.business_keys.propagation._new_id", lambda: "made")
    headers = {"traceparent": PARENT, **more}
    record = [(name, value.encode()) for name, value in headers.items()]
    full = PROPAGATOR.extract(record, Context(), HeaderGetter(record))
    read = plain(PROPAGATOR, headers)
    assert read is not None
    assert read.keys() == full.keys()
    parents = [trace.get_current_span(context).get_span_context() for context in (read, full)]
    assert parents[0] == parents[1]
    assert list(baggage.get_all(read).items()) == list(baggage.get_all(full).items())


@pytest.mark.parametrize(
    "more",
    [
        {"tracestate": "a=1"},
        {"x-request-id": "r"},
        {"baggage": "order.id=7;property"},
        {"baggage": "order.id=a%20b"},
        {"baggage": "order.id=a+b"},
        {"baggage": "order.id = 7"},
        {"baggage": "order.id=ö"},
        {"baggage": "order.id"},
        {"baggage": "order.id=7,"},
        {"baggage": ",".join(["order.id=7"] * 60)},
        {"traceparent": f"00-{ID}-{SPAN}-01-more"},
        {"X-Order-ID": "7"},
        {"x-order-id": "7"},
        {"BAGGAGE": ""},
    ],
)
def test_a_record_with_other_headers_is_not_read_by_the_fast_reader(more: dict[str, str]) -> None:
    rules = KeyRules(parse_rules("order.id=header:X-Order-ID,a.id=header:BAGGAGE"))
    propagator = CorrelationPropagator(UPSTREAM, rules)
    assert plain(propagator, {"traceparent": PARENT, **more}) is None
    assert plain(propagator, {"traceparent": PARENT}) is not None


def test_the_fast_reader_is_not_used_with_other_propagators() -> None:
    propagator = CorrelationPropagator(TraceContextTextMapPropagator(), KeyRules())
    assert plain(propagator, {"traceparent": PARENT}) is None
