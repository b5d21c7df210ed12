"""Spans written as OTLP straight away, where their attributes are plain text and numbers.

The SDK's encoder makes two protobuf objects of every attribute: half of what an exported span costs. What is
out of the ordinary (events, links, lists, spans of another make) is still written by the SDK's own, part by
part, and what comes out is the message that it would have made.
"""

# ruff: noqa: SLF001 - what the SDK asks its spans, and the parts of its encoder, all have private names

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

# Of ExportTraceServiceRequest, ResourceSpans and ScopeSpans.
_RESOURCE_SPANS: Final = tag(1, BYTES)
_SCOPE_SPANS: Final = tag(2, BYTES)
_SPAN: Final = tag(2, BYTES)
# Of Span.
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
    """What the SDK's function of this name answers."""
    try:
        return ExportTraceServiceRequest.FromString(b"".join(_resources(spans)))
    except Exception as error:  # noqa: BLE001 - another SDK than we know: its own way is always right
        warn_once("laban leaves it to the SDK to encode spans: %r", error)
    return _encode_spans(spans)


def _resources(spans: Sequence[ReadableSpan]) -> Iterable[bytes]:
    """Each resource with its scopes, and each of these with its spans, in the order in which they come."""
    grouped: dict[Resource, dict[InstrumentationScope | None, list[bytes]]] = {}
    # The same objects come again and again, and to compare them by what they say is slow.
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
        written = [described.SerializeToString()]
        for scope, encoded in scopes.items():
            written.append(sized(_SCOPE_SPANS, b"".join([_scope(scope), *encoded])))
        yield sized(_RESOURCE_SPANS, b"".join(written))


def _scope(scope: InstrumentationScope | None) -> bytes:
    """A ScopeSpans without its spans: of a message in pieces, all pieces count."""
    schema_url = (scope.schema_url if scope else None) or ""
    described = ScopeSpans(scope=_sdk._encode_instrumentation_scope(scope), schema_url=schema_url)
    return described.SerializeToString()


def _span(span: ReadableSpan) -> bytes:
    if type(span) is ReadableSpan:  # whoever derives from it may say something else than what it holds
        try:
            return _plain(span)
        except UnicodeError:
            pass  # the SDK leaves out what is no text, and says so
        except Exception as error:  # noqa: BLE001 - as above
            warn_once("laban leaves it to the SDK to encode a span: %r", error)
    encoded: bytes = _sdk._encode_span(span).SerializePartialToString()
    return encoded


def _plain(span: Any) -> bytes:
    """A span that is the SDK's own; what the SDK names in private is read there, at half the time."""
    context: SpanContext = span._context
    parent: SpanContext | None = span._parent
    parts = [
        _TRACE_ID,
        context.trace_id.to_bytes(16, "big"),
        _SPAN_ID,
        context.span_id.to_bytes(8, "big"),
        _FROM_HERE,
        sized(_NAME, span._name.encode()),
        _KINDS[span._kind],
        _TIMES.pack(_START, span._start_time, _END, span._end_time),
    ]
    if parent:
        parts += (_PARENT_ID, parent.span_id.to_bytes(8, "big"))
        if parent.is_remote:
            parts.append(_FROM_ELSEWHERE)
    if context.trace_state:
        parts.append(sized(_TRACE_STATE, _sdk._encode_trace_state(context.trace_state).encode()))
    _add_attributes(span, parts)
    _add_events_and_links(span, parts)
    _add_status(span._status, parts)
    return b"".join(parts)


def _add_attributes(span: Any, parts: list[bytes]) -> None:
    attributes = span._attributes
    if type(attributes) is BoundedAttributes:
        held: Any = attributes
        _attributes.write(held._dict, parts)  # around which the SDK puts several calls for each attribute
        if held.dropped:
            parts += (_DROPPED_ATTRIBUTES, varint(held.dropped))
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


def _other(key: str, value: object) -> Iterable[bytes]:
    return (attribute.SerializeToString() for attribute in _sdk._encode_attributes({key: value}))


def _flags(*, is_remote: bool) -> bytes:
    number: int = _sdk._span_flags(SpanContext(1, 1, is_remote))
    return _FLAGS + number.to_bytes(4, "little")


_attributes: Final = AttributeWriter(_ATTRIBUTES, _other)
_KINDS: Final = {kind: _KIND + varint(number) for kind, number in _sdk._SPAN_KIND_MAP.items()}
_FROM_HERE, _FROM_ELSEWHERE = _flags(is_remote=False), _flags(is_remote=True)
_UNSET: Final = sized(_STATUS, b"")


def install(exporter: ModuleType) -> None:
    """Let an exporter encode spans as here, if it does so by the SDK's function. Twice does no harm."""
    if vars(exporter).get("encode_spans") is _encode_spans:
        vars(exporter)["encode_spans"] = encode_spans


def uninstall(exporter: ModuleType) -> None:
    """As the SDK does it."""
    if vars(exporter).get("encode_spans") is encode_spans:
        vars(exporter)["encode_spans"] = _encode_spans
