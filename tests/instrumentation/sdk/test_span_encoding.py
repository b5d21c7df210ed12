"""The fast encoder produces the same message as the SDK's encoder, for any span."""

import importlib
import sys
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._internal import trace_encoder
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as by_sdk
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from laban.sdk import otlp_exporters, span_encoding

TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
BROKEN = st.text(max_size=3)  # with lone surrogates
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-300, 300), st.integers())
PLAIN = st.one_of(TEXT, NUMBERS, st.booleans(), st.floats())
VALUES = st.recursive(
    st.one_of(PLAIN, BROKEN, st.none(), st.binary(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
ATTRIBUTES = st.one_of(
    st.dictionaries(TEXT, PLAIN, max_size=20), st.dictionaries(st.one_of(TEXT, BROKEN), VALUES, max_size=8)
)
BOUNDED = st.builds(BoundedAttributes, st.one_of(st.none(), st.integers(0, 4)), ATTRIBUTES)
STATES = st.one_of(
    st.just(TraceState()),
    st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), st.just("1"), max_size=3).map(
        lambda entries: TraceState(list(entries.items()))
    ),
)
CONTEXTS = st.builds(
    SpanContext,
    st.integers(0, 2**128 - 1),
    st.integers(0, 2**64 - 1),
    st.booleans(),
    st.integers(0, 255).map(TraceFlags),
    STATES,
)
TIMES = st.integers(0, 2**64 - 1)
EVENTS = st.lists(st.builds(Event, TEXT, st.one_of(BOUNDED, ATTRIBUTES), TIMES), max_size=3)
LINKS = st.lists(st.builds(Link, CONTEXTS, st.one_of(st.none(), BOUNDED)), max_size=3)
STATUSES = st.builds(Status, st.sampled_from(StatusCode), st.one_of(st.none(), TEXT))


def bounded(items: list[Any], most: int | None) -> Any:
    return BoundedList.from_seq(most, items)


RESOURCES = st.sampled_from(
    [
        Resource({}),
        Resource({"service.name": "shop", "process.pid": 7, "argv": ["a", "b"]}),
        Resource({"service.name": "shop", "process.pid": 7, "argv": ["a", "b"]}),
        Resource({"service.name": "ødé"}, "https://example.org/schema"),
    ]
)
SCOPES = st.sampled_from(
    [
        None,
        InstrumentationScope("kafka"),
        InstrumentationScope("kafka"),
        InstrumentationScope("kafka", "1", "https://example.org/schema", {"a": 1}),
    ]
)
SPANS = st.builds(
    ReadableSpan,
    name=TEXT,
    context=CONTEXTS,
    parent=st.one_of(st.none(), CONTEXTS),
    resource=RESOURCES,
    attributes=st.one_of(st.none(), BOUNDED, ATTRIBUTES),
    events=st.one_of(EVENTS, st.builds(bounded, EVENTS, st.one_of(st.none(), st.integers(0, 2)))),
    links=st.one_of(LINKS, st.builds(bounded, LINKS, st.one_of(st.none(), st.integers(0, 2)))),
    kind=st.sampled_from(SpanKind),
    status=st.one_of(st.none(), STATUSES),
    start_time=st.one_of(st.none(), TIMES),
    end_time=st.one_of(st.none(), TIMES),
    instrumentation_scope=SCOPES,
)


# Neither health check nor deadline may depend on the load of the machine.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SPANS, max_size=4))
def test_every_span_is_encoded_the_same_as_by_the_sdk(spans: list[ReadableSpan]) -> None:
    ours, expected = span_encoding.encode_spans(spans), by_sdk(spans)
    # Compare bytes: a message with NaN does not equal itself.
    assert ours.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)


def ended(**attributes: Any) -> list[ReadableSpan]:
    limits = SpanLimits(max_span_attributes=4, max_events=1, max_links=1)
    provider = TracerProvider(resource=Resource({"service.name": "shop"}), span_limits=limits)
    tracer = provider.get_tracer("test")
    links = [Link(SpanContext(1, 2, True, TraceFlags(1)))] * 2
    with tracer.start_as_current_span("outer", attributes={"a": "b"}, links=links) as outer:
        outer.add_event("first")
        outer.add_event("second", {"n": 1})
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT, attributes=attributes) as inner:
            inner.set_status(StatusCode.ERROR, "out of stock")
    spans: list[Any] = [inner, outer]
    return [span._readable_span() for span in spans]


def test_spans_of_the_sdk_and_their_dropped_counts_are_encoded_the_same() -> None:
    spans = ended(a="ø", b=1, c=-1, d=True, e=0.5, f=[1, 2])
    encoded = span_encoding.encode_spans(spans)
    assert encoded == by_sdk(spans)
    outer = encoded.resource_spans[0].scope_spans[0].spans[1]
    assert (outer.dropped_events_count, outer.dropped_links_count) == (1, 1)


def test_plain_spans_are_encoded_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    spans = [span for span in ended(a="x", b=1, c=2.5, d=False) if span.name == "inner"]
    expected = by_sdk(spans)
    monkeypatch.setattr(trace_encoder, "_encode_span", None)
    monkeypatch.setattr(trace_encoder, "_encode_attributes", None)
    assert span_encoding.encode_spans(spans) == expected


def test_overridden_properties_of_a_span_subclass_are_encoded() -> None:
    class Redacted(ReadableSpan):
        @property
        def attributes(self) -> dict[str, str]:
            return {"password": "***"}

    context = SpanContext(1, 2, False)
    span = Redacted("login", context, attributes={"password": "secret"}, start_time=1, end_time=2)
    encoded = span_encoding.encode_spans([span])
    assert encoded == by_sdk([span])
    assert b"secret" not in encoded.SerializeToString()


def test_a_span_that_the_sdk_cannot_encode_raises(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(AttributeError):
        span_encoding.encode_spans([ReadableSpan("without a context")])


def test_an_unknown_sdk_encodes_spans_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("laban.fail_open._warned", set())
    spans = ended(a="x")
    expected = by_sdk(spans)
    with monkeypatch.context() as otherwise:
        otherwise.setattr(span_encoding, "_plain_span", None)
        assert span_encoding.encode_spans(spans) == expected
    with monkeypatch.context() as otherwise:
        otherwise.setattr(span_encoding, "_resources", None)
        assert span_encoding.encode_spans(spans) == expected
    assert caplog.text.count("leaves the encoding of") == 2


@pytest.fixture(params=otlp_exporters.OTLP)
def exporter(request: pytest.FixtureRequest) -> Generator[Any]:
    module = importlib.import_module(request.param)
    otlp_exporters.install()
    otlp_exporters.install()
    yield module
    span_encoding.uninstall(sys.modules[request.param])


def test_otlp_exporters_use_the_fast_encoder(exporter: Any) -> None:
    assert exporter.encode_spans is span_encoding.encode_spans
    assert isinstance(exporter.encode_spans(ended()), ExportTraceServiceRequest)
    span_encoding.uninstall(exporter)
    assert exporter.encode_spans is by_sdk


def test_an_exporter_with_its_own_encoder_is_not_patched(
    exporter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def own(spans: object) -> None: ...

    monkeypatch.setattr(exporter, "encode_spans", own)
    otlp_exporters.install()
    assert exporter.encode_spans is own
