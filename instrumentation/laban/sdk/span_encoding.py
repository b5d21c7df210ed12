"""Encodes spans as OTLP protobuf, without a protobuf object per attribute.

The SDK's encoder creates two protobuf objects per attribute: half the cost of an exported span. The SDK's
encoder still writes uncommon parts (events, links, lists, other span classes), and the result is the message
that the SDK would produce.
"""

# ruff: noqa: SLF001 - the fields of spans and the parts of the SDK's encoder have private names

from collections.abc import Iterable, Sequence
from struct import Struct
from types import ModuleType
from typing import Any, Final, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.exporter.otlp.proto.common._internal import trace_encoder
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, StatusCode

from laban.fail_open import warn_once
from laban.sdk.protobuf_wire import BYTES, FIXED32, FIXED64, VARINT, AttributeWriter, sized, tag, varint

_sdk: Final = cast("Any", trace_encoder)
_encode_spans: Final = trace_encoder.encode_spans

# Fields of ExportTraceServiceRequest, ResourceSpans and ScopeSpans.
_RESOURCE_SPANS: Final = tag(1, BYTES)
_SCOPE_SPANS: Final = tag(2, BYTES)
_SPAN: Final = tag(2, BYTES)
# Fields of Span.
_TRACE_ID: Final = tag(1, BYTES) + varint(16)
_SPAN_ID: Final = tag(2, BYTES) + varint(8)
_TRACE_STATE: Final = tag(3, BYTES)
_PARENT_ID: Final = tag(4, BYTES) + varint(8)
_NAME: Final = tag(5, BYTES)
_KIND: Final = tag(6, VARINT)
_TIMES: Final = Struct("<BQBQ")
_START, _END = tag(7, FIXED64)[0], tag(8, FIXED64)[0]
_ATTRIBUTES: Final = tag(9, BYTES)
_DROPPED_ATTRIBUTES: Final = tag(10, VARINT)
_EVENTS: Final = tag(11, BYTES)
_DROPPED_EVENTS: Final = tag(12, VARINT)
_LINKS: Final = tag(13, BYTES)
_DROPPED_LINKS: Final = tag(14, VARINT)
_STATUS: Final = tag(15, BYTES)
_FLAGS: Final = tag(16, FIXED32)


def encode_spans(spans: Sequence[ReadableSpan]) -> ExportTraceServiceRequest:
    """The same as the SDK's function of this name."""
    try:
        return ExportTraceServiceRequest.FromString(b"".join(_resources(spans)))
    except Exception as error:  # noqa: BLE001 - an unknown SDK version: its own way is always right
        warn_once("laban leaves the encoding of spans to the SDK: %r", error)
    return _encode_spans(spans)


def _resources(spans: Sequence[ReadableSpan]) -> Iterable[bytes]:
    """Each resource with its scopes, and each scope with its spans, in order of first appearance."""
    grouped: dict[Resource, dict[InstrumentationScope | None, list[bytes]]] = {}
    # The same objects recur, and comparing them by value is slow.
    groups: dict[tuple[int, int], list[bytes]] = {}
    for span in spans:
        resource, scope = span.resource, span.instrumentation_scope
        group = groups.get((id(resource), id(scope)))
        if group is None:
            group = grouped.setdefault(resource, {}).setdefault(scope, [])
            groups[id(resource), id(scope)] = group
        group.append(sized(_SPAN, _span(span)))
    for resource, scopes in grouped.items():
        described = ResourceSpans(resource=_sdk._encode_resource(resource), schema_url=resource.schema_url)
        parts = [described.SerializeToString()]
        for scope, encoded in scopes.items():
            parts.append(sized(_SCOPE_SPANS, b"".join([_scope(scope), *encoded])))
        yield sized(_RESOURCE_SPANS, b"".join(parts))


def _scope(scope: InstrumentationScope | None) -> bytes:
    """A ScopeSpans without its spans; concatenated protobuf messages merge."""
    schema_url = (scope.schema_url if scope else None) or ""
    described = ScopeSpans(scope=_sdk._encode_instrumentation_scope(scope), schema_url=schema_url)
    return described.SerializeToString()


def _span(span: ReadableSpan) -> bytes:
    if type(span) is ReadableSpan:  # a subclass may override the properties that the SDK's encoder reads
        try:
            return _plain_span(span)
        except UnicodeError:
            pass  # the SDK drops invalid text and logs it
        except Exception as error:  # noqa: BLE001 - as above
            warn_once("laban leaves the encoding of a span to the SDK: %r", error)
    encoded: bytes = _sdk._encode_span(span).SerializePartialToString()
    return encoded


def _plain_span(span: Any) -> bytes:
    """Encode a span of the SDK's own class; reading its private fields takes half the time."""
    context: SpanContext = span._context
    parent: SpanContext | None = span._parent
    parts = [
        _TRACE_ID,
        context.trace_id.to_bytes(16, "big"),
        _SPAN_ID,
        context.span_id.to_bytes(8, "big"),
        _LOCAL_PARENT_FLAGS,
        sized(_NAME, span._name.encode()),
        _KINDS[span._kind],
        _TIMES.pack(_START, span._start_time, _END, span._end_time),
    ]
    if parent:
        parts += (_PARENT_ID, parent.span_id.to_bytes(8, "big"))
        if parent.is_remote:
            parts.append(_REMOTE_PARENT_FLAGS)
    if context.trace_state:
        parts.append(sized(_TRACE_STATE, _sdk._encode_trace_state(context.trace_state).encode()))
    _add_attributes(span, parts)
    _add_events_and_links(span, parts)
    _add_status(span._status, parts)
    return b"".join(parts)


def _add_attributes(span: Any, parts: list[bytes]) -> None:
    attributes = span._attributes
    if type(attributes) is BoundedAttributes:
        bounded: Any = attributes
        _attributes.write(bounded._dict, parts)  # the SDK's mapping methods take several calls per attribute
        if bounded.dropped:
            parts += (_DROPPED_ATTRIBUTES, varint(bounded.dropped))
    else:
        _attributes.write(span.attributes, parts)


def _add_events_and_links(span: Any, parts: list[bytes]) -> None:
    if span._events:
        parts += (sized(_EVENTS, event.SerializeToString()) for event in _sdk._encode_events(span.events))
    if span._links:
        parts += (sized(_LINKS, link.SerializeToString()) for link in _sdk._encode_links(span.links))
    if span.dropped_events:
        parts += (_DROPPED_EVENTS, varint(span.dropped_events))
    if span.dropped_links:
        parts += (_DROPPED_LINKS, varint(span.dropped_links))


def _add_status(status: Any, parts: list[bytes]) -> None:
    if status is not None and status.status_code is StatusCode.UNSET and not status.description:
        parts.append(_UNSET)
    elif status is not None:
        parts.append(sized(_STATUS, _sdk._encode_status(status).SerializeToString()))


def _encode_other(key: str, value: object) -> Iterable[bytes]:
    return (attribute.SerializeToString() for attribute in _sdk._encode_attributes({key: value}))


def _flags(*, is_remote: bool) -> bytes:
    number: int = _sdk._span_flags(SpanContext(1, 1, is_remote))
    return _FLAGS + number.to_bytes(4, "little")


_attributes: Final = AttributeWriter(_ATTRIBUTES, _encode_other)
_KINDS: Final = {kind: _KIND + varint(number) for kind, number in _sdk._SPAN_KIND_MAP.items()}
_LOCAL_PARENT_FLAGS, _REMOTE_PARENT_FLAGS = _flags(is_remote=False), _flags(is_remote=True)
_UNSET: Final = sized(_STATUS, b"")


def install(exporter: ModuleType) -> None:
    """Make an exporter use this encoder if it uses the SDK's. A second call does nothing."""
    if vars(exporter).get("encode_spans") is _encode_spans:
        vars(exporter)["encode_spans"] = encode_spans


def uninstall(exporter: ModuleType) -> None:
    """Restore the SDK's encoder."""
    if vars(exporter).get("encode_spans") is encode_spans:
        vars(exporter)["encode_spans"] = _encode_spans
