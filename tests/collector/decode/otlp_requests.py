"""Hypothesis strategies for OTLP requests of every shape."""

from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from laban.vocabulary import CONSULTED, PROMOTED

from ..requests import START

KEYS = sorted(
    {key for promoted in PROMOTED for key in promoted.every_key}
    | {key for it in CONSULTED for key in it.keys}
)
BUSINESS = (
    "order.id",
    "orderId",
    "app.customer_id",
    "message.id",
    "heroku.app.id",
    "span.kind",
    "url.path",
    "http.target",
    "url.full",
    "http.url",
    "url.template",
)
ROUTES = (
    "/orders/{order_id}",
    "/orders/{id}/items",
    "/price/{sku}",
    "/o/{order_id:path}",
    "/orders?x={id}",
    "",
)
PATHS = (
    "/orders/1",
    "/orders/a%20b",
    "/price/7",
    "http://[::1/orders/1",
    "https://shop/orders/12?x=1",
    "/orders/9/items",
)

texts = st.one_of(
    st.sampled_from(
        (
            *ROUTES,
            *PATHS,
            "",
            "5",
            "-1",
            "99999999999999999999",
            "publish",
            "receive",
            "create",
            "Server",
            "x" * 200,
        )
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
)
integers = st.one_of(st.integers(-3, 300), st.integers(-(2**63), 2**63 - 1))
scalars = st.one_of(
    texts.map(lambda text: AnyValue(string_value=text)),
    integers.map(lambda number: AnyValue(int_value=number)),
    st.booleans().map(lambda truth: AnyValue(bool_value=truth)),
    st.one_of(st.floats(), integers.map(float)).map(lambda number: AnyValue(double_value=number)),
    st.binary(max_size=6).map(lambda data: AnyValue(bytes_value=data)),
    st.just(AnyValue()),
)
keys = st.one_of(st.sampled_from(KEYS), st.sampled_from(BUSINESS), texts)


def _lists(values: st.SearchStrategy[AnyValue]) -> st.SearchStrategy[AnyValue]:
    pairs = st.builds(KeyValue, key=texts, value=values)
    return st.one_of(
        st.lists(values, max_size=3).map(lambda items: AnyValue(array_value=ArrayValue(values=items))),
        st.lists(pairs, max_size=3).map(lambda items: AnyValue(kvlist_value=KeyValueList(values=items))),
    )


values = st.one_of(scalars, scalars, scalars, _lists(st.one_of(scalars, _lists(scalars))))
"""Lists of lists at most; `st.recursive` takes four times as long."""


def _pairs(*, repeated: bool) -> st.SearchStrategy[list[KeyValue]]:
    pair = st.builds(KeyValue, key=keys, value=values)
    return st.lists(pair, max_size=9, unique_by=None if repeated else lambda sent: sent.key)


def _ids(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size).filter(any)


# Created once: creating strategies takes longer than drawing from them.
attributes = {odd: _pairs(repeated=odd) for odd in (False, True)}
trace_ids = {False: _ids(16), True: st.binary(max_size=17)}
span_ids = {False: _ids(8), True: st.binary(max_size=9)}
parent_ids = st.one_of(st.just(b""), st.just(bytes(8)), _ids(8))
linked_trace_ids = {
    False: st.one_of(_ids(16), st.just(b""), st.just(bytes(16))),
    True: st.binary(max_size=17),
}
linked_span_ids = st.one_of(_ids(8), st.just(b""))
kinds = {False: st.integers(0, 5), True: st.integers(-1, 7)}
times = st.integers(START, START + 10**9)
durations = st.integers(0, 10**12)
any_times = st.integers(0, 2**64 - 1)
trace_states = st.sampled_from(("", "a=1"))
counts = st.integers(0, 2**32 - 1)
statuses = st.one_of(st.none(), st.builds(Status, message=texts, code=st.sampled_from((0, 1, 2))))
few = st.integers(0, 2)


@st.composite
def spans(draw: st.DrawFn, *, odd: bool) -> Span:
    """Draw a span; an unusual one may be malformed in any way that the protobuf library allows."""
    start = draw(times)
    span = Span(
        trace_id=draw(trace_ids[odd]),
        span_id=draw(span_ids[odd]),
        parent_span_id=draw(parent_ids),
        trace_state=draw(trace_states),
        name=draw(texts),
        kind=draw(kinds[odd]),  # type: ignore[arg-type]  # open enum
        start_time_unix_nano=start,
        end_time_unix_nano=draw(any_times) if odd else start + draw(durations),
        attributes=draw(attributes[odd]),
        flags=draw(counts),
        dropped_attributes_count=draw(counts),
        status=draw(statuses),
    )
    for _ in range(draw(few)):
        span.events.add(time_unix_nano=draw(times), name=draw(texts), attributes=draw(attributes[odd]))
    for _ in range(draw(few)):
        span.links.add(
            trace_id=draw(linked_trace_ids[odd]),
            span_id=draw(linked_span_ids),
            attributes=draw(attributes[odd]),
        )
    return span


def _requests(*, odd: bool) -> st.SearchStrategy[ExportTraceServiceRequest]:
    scopes = st.builds(
        ScopeSpans,
        scope=st.builds(InstrumentationScope, name=texts, version=texts, attributes=attributes[odd]),
        spans=st.lists(spans(odd=odd), max_size=4),
    )
    resources = st.builds(
        ResourceSpans,
        resource=st.builds(Resource, attributes=attributes[odd]),
        scope_spans=st.lists(scopes, max_size=2),
    )
    return st.builds(ExportTraceServiceRequest, resource_spans=st.lists(resources, max_size=2))


plain_requests = _requests(odd=False)
odd_requests = _requests(odd=True)
