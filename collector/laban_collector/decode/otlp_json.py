"""OTLP/JSON to OTLP/protobuf, by a reader of our own: the protobuf library takes the hex ids for base64.

It writes the bytes of the protobuf request as it reads, which go the way of all requests from there, and are
stored by the same rules.

Two dialects. On the wire the specification holds: hex ids, numbers for enums, lowerCamelCase names, unknown
fields ignored. In files other things occur too, written by protobuf's JSON printers and by older versions,
and are read: base64 ids, names of enums, `batches`, `instrumentationLibrarySpans`.
Source: the OTLP specification 1.x, "JSON Protobuf Encoding"; opentelemetry-proto 1.x for the numbers.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from laban_collector.decode.business_keys import KeyFinder
from laban_collector.decode.columnar import decoder as columnar
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
from laban_collector.decode.json_parsing import NotJsonError, parse_request
from laban_collector.decode.protobuf_writer import (
    fixed32,
    fixed32_tag,
    fixed64,
    fixed64_tag,
    number_part,
    number_tag,
    part,
    tag,
    text_part,
    varint,
)
from laban_collector.decode.results import Accepted, Decoded
from laban_collector.decode.span_builder import MalformedError, Problems, checked_time
from laban_collector.errors import UndecodableRequest

_MAX_ELEMENTS: Final = 2_000_000
"""Objects and lists in one body: each takes some 100 bytes once it is parsed, and 3 before."""

_RESOURCE_SPANS = tag(1)
_RESOURCE, _SCOPE_SPANS, _RESOURCE_ATTRIBUTE = tag(1), tag(2), tag(1)
_SCOPE, _SPAN, _SCOPE_NAME, _SCOPE_VERSION, _SCOPE_ATTRIBUTE = tag(1), tag(2), tag(1), tag(2), tag(3)
_TRACE_ID, _SPAN_ID, _TRACE_STATE, _PARENT_ID, _NAME, _KIND = *map(tag, range(1, 6)), number_tag(6)
_START, _END, _ATTRIBUTE, _DROPPED_ATTRIBUTES = fixed64_tag(7), fixed64_tag(8), tag(9), number_tag(10)
_EVENT, _DROPPED_EVENTS, _LINK, _DROPPED_LINKS = tag(11), number_tag(12), tag(13), number_tag(14)
_STATUS, _FLAGS, _STATUS_MESSAGE, _STATUS_CODE = tag(15), fixed32_tag(16), tag(2), number_tag(3)
_EVENT_TIME, _EVENT_NAME, _EVENT_ATTRIBUTE, _EVENT_DROPPED = fixed64_tag(1), tag(2), tag(3), number_tag(4)
_LINK_ATTRIBUTE, _LINK_DROPPED, _LINK_FLAGS = tag(4), number_tag(5), fixed32_tag(6)

_TRACE_ID_16, _SPAN_ID_8 = _TRACE_ID + varint(16), _SPAN_ID + varint(8)

_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_MAX_COUNT: Final = UINT32[-1]
_KINDS: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_STATUS_CODES: Final = ("UNSET", "OK", "ERROR")


class Request(NamedTuple):
    """An OTLP request.

    Attributes:
        body: an ExportTraceServiceRequest.
        spans: in it.
    """

    body: bytes
    spans: int


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


def to_protobuf(document: object, problems: Problems, dialect: Dialect) -> Request:
    """A parsed document as an ExportTraceServiceRequest; what is malformed is left out and counted.

    Raises:
        WrongTypeError: a field does not hold what it should.
    """
    found: list[bytes] = []
    spans = 0
    for resource_spans in _first(as_object(document, "the document"), dialect.resource_spans):
        resource = as_object(resource_spans.get("resource"), "resource")
        attributes = key_values(_RESOURCE_ATTRIBUTE, resource)
        of_resource = [part(_RESOURCE, b"".join(attributes))]
        for scope_spans in _first(resource_spans, dialect.scope_spans):
            of_scope = _spans(objects(scope_spans, "spans"), problems, dialect)
            spans += len(of_scope)
            of_scope.append(_scope(scope_spans, dialect))
            of_resource.append(part(_SCOPE_SPANS, b"".join(of_scope)))
        found.append(part(_RESOURCE_SPANS, b"".join(of_resource)))
    return Request(b"".join(found), spans)


def _to_protobuf(payload: bytes, problems: Problems) -> bytes:
    if payload.count(b"{") + payload.count(b"[") > _MAX_ELEMENTS:
        raise UndecodableRequest(f"The body has more than {_MAX_ELEMENTS} JSON elements: send smaller ones.")
    try:
        return to_protobuf(_parsed(payload), problems, WIRE).body
    except (NotJsonError, WrongTypeError) as error:
        raise UndecodableRequest(f"The body is no OTLP/JSON ExportTraceServiceRequest: {error}") from error


def _outcome(decoded: Accepted | UndecodableRequest, problems: Problems) -> Accepted | UndecodableRequest:
    """What became of a request, with what was left out before it was decoded."""
    if not isinstance(decoded, Accepted):
        return decoded
    message = "; ".join(filter(None, (problems.explain(), decoded.message)))
    return Accepted(decoded.spans, decoded.rejected + problems.rejected, message)


def _parsed(payload: bytes) -> JsonObject:
    document = parse_request(payload)
    if not isinstance(document, dict):
        raise WrongTypeError("it is not an object")
    return document


def _first(parent: JsonObject, names: tuple[str, ...]) -> list[JsonObject]:
    """The list of objects under the first of these names that there is."""
    return next((objects(parent, name) for name in names if name in parent), [])


def _scope(scope_spans: JsonObject, dialect: Dialect) -> bytes:
    sent = next((scope_spans[name] for name in dialect.scope if name in scope_spans), None)
    scope = as_object(sent, "scope")
    fields = [text_part(_SCOPE_NAME, text(scope, "name")), text_part(_SCOPE_VERSION, text(scope, "version"))]
    return part(_SCOPE, b"".join(fields + key_values(_SCOPE_ATTRIBUTE, scope)))


def _spans(sent: Sequence[JsonObject], problems: Problems, dialect: Dialect) -> list[bytes]:
    spans: list[bytes] = []
    for span in sent:
        try:
            spans.append(part(_SPAN, _span(span, problems, dialect)))
        except MalformedError as reason:
            problems.reject(reason)
        except WrongTypeError as reason:
            if not dialect.forgiving:
                raise
            problems.reject(reason)
    return spans


def _span(span: JsonObject, problems: Problems, dialect: Dialect) -> bytes:
    """Read one span; raises MalformedError or WrongTypeError."""
    sent_events, sent_links = objects(span, "events"), objects(span, "links")
    events = problems.gather(_event, sent_events, "event") if sent_events else []
    links = problems.gather(lambda link: _link(link, dialect), sent_links, "link") if sent_links else []
    lost_events, lost_links = len(sent_events) - len(events), len(sent_links) - len(links)
    status = as_object(span.get("status"), "status")
    parent = text(span, "parentSpanId")
    return b"".join(
        [
            _TRACE_ID_16 + _trace_id(text(span, "traceId"), dialect),
            _SPAN_ID_8 + _span_id(text(span, "spanId"), dialect),
            part(_PARENT_ID, dialect.identifier(parent, _SPAN_DIGITS, "parent span id")) if parent else b"",
            _START + fixed64(checked_time(integer(span, "startTimeUnixNano", UINT64))),
            _END + fixed64(checked_time(integer(span, "endTimeUnixNano", UINT64))),
            number_part(_KIND, dialect.kind(span)),
            _status(status, dialect) if status else b"",
            text_part(_NAME, text(span, "name")),
            *key_values(_ATTRIBUTE, span),
            *events,
            *links,
            _FLAGS + fixed32(integer(span, "flags", UINT32)),
            text_part(_TRACE_STATE, text(span, "traceState")),
            number_part(_DROPPED_ATTRIBUTES, integer(span, "droppedAttributesCount", UINT32)),
            number_part(_DROPPED_EVENTS, _more(integer(span, "droppedEventsCount", UINT32), lost_events)),
            number_part(_DROPPED_LINKS, _more(integer(span, "droppedLinksCount", UINT32), lost_links)),
        ]
    )


def _status(status: JsonObject, dialect: Dialect) -> bytes:
    code = number_part(_STATUS_CODE, dialect.status_code(status))
    return part(_STATUS, code + text_part(_STATUS_MESSAGE, text(status, "message")))


def _more(dropped: int, lost: int) -> int:
    """What the sender dropped and what we did."""
    return min(dropped + lost, _MAX_COUNT)


def _event(event: JsonObject) -> bytes:
    fields = [
        _EVENT_TIME + fixed64(checked_time(integer(event, "timeUnixNano", UINT64))),
        text_part(_EVENT_NAME, text(event, "name")),
        number_part(_EVENT_DROPPED, integer(event, "droppedAttributesCount", UINT32)),
        *key_values(_EVENT_ATTRIBUTE, event),
    ]
    return part(_EVENT, b"".join(fields))


def _link(link: JsonObject, dialect: Dialect) -> bytes:
    """A link to nowhere (no ids, or zeros) is legal: the specification keeps it for its attributes."""
    trace_id, span_id = text(link, "traceId"), text(link, "spanId")
    fields = [
        part(_TRACE_ID, _trace_id(trace_id, dialect) if trace_id.strip("0") else b""),
        part(_SPAN_ID, _span_id(span_id, dialect) if span_id.strip("0") else b""),
        _LINK_FLAGS + fixed32(integer(link, "flags", UINT32)),
        number_part(_LINK_DROPPED, integer(link, "droppedAttributesCount", UINT32)),
        text_part(_TRACE_STATE, text(link, "traceState")),
        *key_values(_LINK_ATTRIBUTE, link),
    ]
    return part(_LINK, b"".join(fields))


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
    if len(sent) == digits and sent.isalnum():  # for `fromhex` skips spaces
        try:
            return bytes.fromhex(sent)
        except ValueError:
            pass
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
