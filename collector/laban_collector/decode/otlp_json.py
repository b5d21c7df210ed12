"""OTLP/JSON to OTLP/protobuf, by a reader of our own: the protobuf library takes the hex ids for base64.

What it reads goes the way of all requests from there, and is stored by the same rules.

Two dialects. On the wire the specification holds: hex ids, numbers for enums, lowerCamelCase names, unknown
fields ignored. In files other things occur too, written by protobuf's JSON printers and by older versions,
and are read: base64 ids, names of enums, `batches`, `instrumentationLibrarySpans`.
Source: the OTLP specification 1.x, "JSON Protobuf Encoding".
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from laban_collector.correlations import KeyFinder
from laban_collector.decode.building import MalformedError, Problems, checked_time
from laban_collector.decode.columnar import decoder as columnar
from laban_collector.decode.decoded import Accepted, Decoded
from laban_collector.decode.json_attributes import base64_bytes, key_values
from laban_collector.decode.json_fields import (
    INT32,
    UINT32,
    UINT64,
    JsonObject,
    WrongTypeError,
    as_object,
    check_hex,
    integer,
    objects,
    text,
)
from laban_collector.errors import UndecodableRequest

_MAX_ELEMENTS: Final = 2_000_000
"""Objects and lists in one body: each takes some 100 bytes once it is parsed, and 3 before."""

_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_MAX_COUNT: Final = UINT32[-1]
_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUS_CODES: Final = ("UNSET", "OK", "ERROR")


class Dialect(NamedTuple):
    """How fields are read that are written in several ways.

    Attributes:
        identifier: an id of so many hex digits.
        kind: a SpanKind.
        status_code: a StatusCode.
        forgiving: a span with a field of the wrong type is left out and counted, not the whole body.
        resource_spans, scope_spans, scope: the accepted names of these fields.
    """

    identifier: Callable[[str, int, str], bytes]
    kind: Callable[[JsonObject], int]
    status_code: Callable[[JsonObject], int]
    forgiving: bool
    resource_spans: tuple[str, ...] = ("resourceSpans",)
    scope_spans: tuple[str, ...] = ("scopeSpans",)
    scope: tuple[str, ...] = ("scope",)


def decode(payloads: Sequence[bytes], finder: KeyFinder) -> Decoded:
    """Decode bodies of OTLP/HTTP requests with JSON into one batch, in the dialect of the wire.

    A body that cannot be decoded becomes an `UndecodableRequest` among the outcomes, and leaves the others
    alone. Spans, events and links with malformed ids or impossible times are left out and counted.
    """
    bodies: list[bytes] = []
    refused: dict[int, UndecodableRequest] = {}
    all_problems: list[Problems] = []
    for number, payload in enumerate(payloads):
        problems = Problems()
        try:
            bodies.append(_to_protobuf(payload, problems))
            all_problems.append(problems)
        except UndecodableRequest as error:
            refused[number] = error
    decoded = columnar.decode(bodies, finder)
    accepted = map(_outcome, decoded.outcomes, all_problems)
    outcomes = tuple(refused.get(number) or next(accepted) for number in range(len(payloads)))
    return Decoded(decoded.batch, outcomes)


def to_request(document: object, problems: Problems, dialect: Dialect) -> ExportTraceServiceRequest:
    """A parsed document as the protobuf library's; what is malformed is left out and counted.

    Raises:
        WrongTypeError: a field does not hold what it should.
    """
    request = ExportTraceServiceRequest()
    for resource_spans in _first(as_object(document, "the document"), dialect.resource_spans):
        of_resource = request.resource_spans.add()
        resource = as_object(resource_spans.get("resource"), "resource")
        of_resource.resource.attributes.extend(key_values(objects(resource, "attributes")))
        for scope_spans in _first(resource_spans, dialect.scope_spans):
            spans = _spans(objects(scope_spans, "spans"), problems, dialect)
            of_resource.scope_spans.add(scope=_scope(scope_spans, dialect), spans=spans)
    return request


def _to_protobuf(payload: bytes, problems: Problems) -> bytes:
    if payload.count(b"{") + payload.count(b"[") > _MAX_ELEMENTS:
        raise UndecodableRequest(f"The body has more than {_MAX_ELEMENTS} JSON elements: send smaller ones.")
    try:
        return to_request(_parsed(payload), problems, WIRE).SerializeToString()
    except (orjson.JSONDecodeError, WrongTypeError) as error:
        raise UndecodableRequest(f"The body is no OTLP/JSON ExportTraceServiceRequest: {error}") from error


def _outcome(decoded: Accepted | UndecodableRequest, problems: Problems) -> Accepted | UndecodableRequest:
    """What became of a request, with what was left out before it was decoded."""
    if not isinstance(decoded, Accepted):
        return decoded
    message = "; ".join(filter(None, (problems.explain(), decoded.message)))
    return Accepted(decoded.spans, decoded.rejected + problems.rejected, message)


def _parsed(payload: bytes) -> JsonObject:
    document = orjson.loads(memoryview(payload))  # it takes no subclasses of bytes
    if not isinstance(document, dict):
        raise WrongTypeError("it is not an object")
    return document


def _first(parent: JsonObject, names: tuple[str, ...]) -> list[JsonObject]:
    """The list of objects under the first of these names that there is."""
    return next((objects(parent, name) for name in names if name in parent), [])


def _scope(scope_spans: JsonObject, dialect: Dialect) -> InstrumentationScope:
    sent = next((scope_spans[name] for name in dialect.scope if name in scope_spans), None)
    scope = as_object(sent, "scope")
    return InstrumentationScope(
        name=text(scope, "name"),
        version=text(scope, "version"),
        attributes=key_values(objects(scope, "attributes")),
    )


def _spans(sent: Sequence[JsonObject], problems: Problems, dialect: Dialect) -> list[Span]:
    spans: list[Span] = []
    for span in sent:
        try:
            spans.append(_span(span, problems, dialect))
        except MalformedError as reason:
            problems.reject(reason)
        except WrongTypeError as reason:
            if not dialect.forgiving:
                raise
            problems.reject(reason)
    return spans


def _span(span: JsonObject, problems: Problems, dialect: Dialect) -> Span:
    """Read one span; raises MalformedError or WrongTypeError."""
    sent_events, sent_links = objects(span, "events"), objects(span, "links")
    events = problems.gather(_event, sent_events, "event") if sent_events else []
    links = problems.gather(lambda link: _link(link, dialect), sent_links, "link") if sent_links else []
    lost_events, lost_links = len(sent_events) - len(events), len(sent_links) - len(links)
    status = as_object(span.get("status"), "status")
    parent = text(span, "parentSpanId")
    return Span(
        trace_id=_trace_id(text(span, "traceId"), dialect),
        span_id=_span_id(text(span, "spanId"), dialect),
        parent_span_id=dialect.identifier(parent, _SPAN_DIGITS, "parent span id") if parent else b"",
        start_time_unix_nano=checked_time(integer(span, "startTimeUnixNano", UINT64)),
        end_time_unix_nano=checked_time(integer(span, "endTimeUnixNano", UINT64)),
        kind=dialect.kind(span),  # type: ignore[arg-type]  # one from the future is stored as unspecified
        status=Status(code=dialect.status_code(status), message=text(status, "message")) if status else None,  # type: ignore[arg-type]
        name=text(span, "name"),
        attributes=key_values(objects(span, "attributes")),
        events=events,
        links=links,
        flags=integer(span, "flags", UINT32),
        trace_state=text(span, "traceState"),
        dropped_attributes_count=integer(span, "droppedAttributesCount", UINT32),
        dropped_events_count=min(integer(span, "droppedEventsCount", UINT32) + lost_events, _MAX_COUNT),
        dropped_links_count=min(integer(span, "droppedLinksCount", UINT32) + lost_links, _MAX_COUNT),
    )


def _event(event: JsonObject) -> Span.Event:
    return Span.Event(
        time_unix_nano=checked_time(integer(event, "timeUnixNano", UINT64)),
        name=text(event, "name"),
        dropped_attributes_count=integer(event, "droppedAttributesCount", UINT32),
        attributes=key_values(objects(event, "attributes")),
    )


def _link(link: JsonObject, dialect: Dialect) -> Span.Link:
    """A link to nowhere (no ids, or zeros) is legal: the specification keeps it for its attributes."""
    trace_id, span_id = text(link, "traceId"), text(link, "spanId")
    return Span.Link(
        trace_id=_trace_id(trace_id, dialect) if trace_id.strip("0") else b"",
        span_id=_span_id(span_id, dialect) if span_id.strip("0") else b"",
        flags=integer(link, "flags", UINT32),
        dropped_attributes_count=integer(link, "droppedAttributesCount", UINT32),
        trace_state=text(link, "traceState"),
        attributes=key_values(objects(link, "attributes")),
    )


def _trace_id(sent: str, dialect: Dialect) -> bytes:
    found = dialect.identifier(sent, _TRACE_DIGITS, "trace id")
    if not any(found):
        raise MalformedError("trace id of zeros")
    return found


def _span_id(sent: str, dialect: Dialect) -> bytes:
    found = dialect.identifier(sent, _SPAN_DIGITS, "span id")
    if not any(found):
        raise MalformedError("span id of zeros")
    return found


def _numbered_kind(span: JsonObject) -> int:
    return _numbered(span, "kind")


def _numbered_status_code(status: JsonObject) -> int:
    return _numbered(status, "code")


def _numbered(parent: JsonObject, name: str) -> int:
    value = parent.get(name)
    if isinstance(value, str):
        raise WrongTypeError(f"{name} is a string: OTLP/JSON writes enums as numbers")
    return integer(parent, name, INT32)


def _any_kind(span: JsonObject) -> int:
    return _any_enum(span, "kind", "SPAN_KIND_", _KINDS)


def _any_status_code(status: JsonObject) -> int:
    return _any_enum(status, "code", "STATUS_CODE_", _STATUS_CODES)


def _any_enum(parent: JsonObject, name: str, prefix: str, names: tuple[str, ...]) -> int:
    """A number, or a name with or without its prefix; a name that is none means unspecified."""
    value = parent.get(name)
    if not isinstance(value, str) or value.isdecimal():
        return integer(parent, name, INT32)
    short = value.upper().removeprefix(prefix)
    return names.index(short) if short in names else 0


def _hex_id(sent: str, digits: int, what: str) -> bytes:
    check_hex(sent, digits, what)
    return bytes.fromhex(sent)


def _any_id(sent: str, digits: int, what: str) -> bytes:
    """Hex, or the base64 that protobuf's JSON printers make of bytes: their lengths differ."""
    if len(sent) != digits:
        found = base64_bytes(sent)
        if found is not None and len(found) == digits // 2:
            return found
    return _hex_id(sent, digits, what)


WIRE: Final = Dialect(_hex_id, _numbered_kind, _numbered_status_code, forgiving=False)
"""What the specification allows."""

FILES: Final = Dialect(
    _any_id,
    _any_kind,
    _any_status_code,
    forgiving=True,
    resource_spans=("resourceSpans", "batches"),
    scope_spans=("scopeSpans", "instrumentationLibrarySpans"),
    scope=("scope", "instrumentationLibrary"),
)
"""What occurs in exports: the names of Tempo's API and of OTLP before 0.19 as well."""
