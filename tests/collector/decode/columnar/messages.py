"""Requests of every shape, drawn by hypothesis."""

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

from laban.vocabulary import PROMOTED

from ...requests import START

KEYS = sorted(key for promoted in PROMOTED for key in promoted.keys)
BUSINESS = (
    "order.id",
    "orderId",
    "app.customer_id",
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
        (*ROUTES, *PATHS, "", "5", "-1", "99999999999999999999", "publish", "receive", "create", "x" * 200)
    ),
    st.text(st.characters(codec="utf-8"), max_size=12),
)
integers = st.one_of(st.integers(-3, 300), st.integers(-(2**63), 2**63 - 1))
scalars = st.one_of(
    texts.map(lambda text: AnyValue(string_value=text)),
    integers.map(lambda number: AnyValue(int_value=number)),
    st.booleans().map(lambda truth: AnyValue(bool_value=truth)),
    st.floats().map(lambda number: AnyValue(double_value=number)),
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


def _pairs(*, repeated: bool) -> st.SearchStrategy[list[KeyValue]]:
    pair = st.builds(KeyValue, key=keys, value=st.recursive(scalars, _lists, max_leaves=4))
    return st.lists(pair, max_size=9, unique_by=None if repeated else lambda sent: sent.key)


times = st.integers(START, START + 10**9)


def _ids(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size).filter(any)


@st.composite
def spans(draw: st.DrawFn, *, odd: bool) -> Span:
    """One span; an odd one may be malformed in every way that the protobuf library allows."""
    attributes = _pairs(repeated=odd)
    start = draw(times)
    span = Span(
        trace_id=draw(st.binary(max_size=17) if odd else _ids(16)),
        span_id=draw(st.binary(max_size=9) if odd else _ids(8)),
        parent_span_id=draw(st.one_of(st.just(b""), st.just(bytes(8)), _ids(8))),
        trace_state=draw(st.sampled_from(("", "a=1"))),
        name=draw(texts),
        kind=draw(st.integers(-1, 7) if odd else st.integers(0, 5)),  # type: ignore[arg-type]  # open enum
        start_time_unix_nano=start,
        end_time_unix_nano=draw(st.integers(0, 2**64 - 1)) if odd else start + draw(st.integers(0, 10**12)),
        attributes=draw(attributes),
        flags=draw(st.integers(0, 2**32 - 1)),
        dropped_attributes_count=draw(st.integers(0, 2**32 - 1)),
        status=draw(st.one_of(st.none(), st.builds(Status, message=texts, code=st.sampled_from((0, 1, 2))))),
    )
    for _ in range(draw(st.integers(0, 2))):
        span.events.add(time_unix_nano=draw(times), name=draw(texts), attributes=draw(attributes))
    for _ in range(draw(st.integers(0, 2))):
        trace_id = draw(
            st.binary(max_size=17) if odd else st.one_of(_ids(16), st.just(b""), st.just(bytes(16)))
        )
        span.links.add(
            trace_id=trace_id, span_id=draw(st.one_of(_ids(8), st.just(b""))), attributes=draw(attributes)
        )
    return span


@st.composite
def requests(draw: st.DrawFn, *, odd: bool = False) -> ExportTraceServiceRequest:
    """One request."""
    scopes = st.builds(
        ScopeSpans,
        scope=st.builds(InstrumentationScope, name=texts, version=texts, attributes=_pairs(repeated=odd)),
        spans=st.lists(spans(odd=odd), max_size=4),
    )
    resources = st.builds(
        ResourceSpans,
        resource=st.builds(Resource, attributes=_pairs(repeated=odd)),
        scope_spans=st.lists(scopes, max_size=2),
    )
    return ExportTraceServiceRequest(resource_spans=draw(st.lists(resources, max_size=2)))
