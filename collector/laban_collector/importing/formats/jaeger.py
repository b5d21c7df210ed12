"""Jaeger JSON to spans: the format of the UI's downloads and of the API at /api/traces.

Times are in microseconds. The first CHILD_OF reference within the trace is the parent; without one, the first
FOLLOWS_FROM reference within the trace. Other CHILD_OF references and all FOLLOWS_FROM references are links.
Source: jaeger, `internal/uimodel/model.go`; the OpenTracing semantic conventions; OpenTelemetry's mapping of
OpenTracing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from laban.vocabulary import (
    EXCEPTION_EVENT,
    LOG_EVENT,
    LOG_EXCEPTION,
    LOG_MESSAGE,
    RPC_METHOD,
    RPC_SERVICE,
    RPC_SYSTEM,
    SERVICE_NAME,
    TAG_COMPONENT,
    TAG_SPAN_KIND,
)
from laban_collector.batch.attributes import Value, from_float, representable
from laban_collector.decode.batch_builder import (
    EventRow,
    LinkRow,
    ResourceRow,
    SentSpan,
    checked_time,
    json_or_none,
    resource_row,
)
from laban_collector.decode.json_documents import (
    INT64,
    UINT32,
    UINT64,
    JsonObject,
    WrongTypeError,
    as_object,
    integer,
    objects,
    padded_id,
    text,
    whole_number,
)
from laban_collector.decode.results import MalformedError, Problems
from laban_collector.decode.span_kind import kind_of_tag
from laban_collector.importing.formats.format import Format
from laban_collector.importing.formats.otel_tags import take_fields

_NS_PER_US: Final = 1000
_CHILD_OF: Final = "CHILD_OF"
_FOLLOWS_FROM: Final = "FOLLOWS_FROM"
_GRPC: Final = "grpc"
_GRPC_NAME: Final = re.compile(r"/([^/]+)/([^/]+)")
_FIELDS: Final = frozenset(
    (
        *("traceID", "spanID", "parentSpanID", "operationName", "references", "startTime", "duration"),
        *("tags", "logs", "processID", "process", "flags", "warnings"),
    )
)


def sent_spans(trace: JsonObject, problems: Problems) -> Iterator[SentSpan]:
    """Yield the spans of one trace (`traceID`, `spans`, `processes`); malformed ones are counted.

    Raises:
        WrongTypeError: `spans` is not a list, or `processes` is not an object.
    """
    processes = as_object(trace.get("processes"), "processes")
    resources: dict[str, ResourceRow] = {}
    for span in objects(trace, "spans"):
        if not span.keys() <= _FIELDS:
            problems.count_unknown(span.keys() - _FIELDS, "a span (Jaeger)")
        try:
            yield _span(span, _resource(span, processes, resources), problems)
        except (MalformedError, WrongTypeError) as reason:
            problems.reject(reason)


def _resource(span: JsonObject, processes: JsonObject, known: dict[str, ResourceRow]) -> ResourceRow:
    """Return the resource of a span; a missing process is the unknown service."""
    process_id = text(span, "processID")
    if process_id not in known:
        # Some backends write the process into each span.
        process = as_object(processes.get(process_id) or span.get("process"), "process")
        service = text(process, "serviceName")
        row = resource_row(({SERVICE_NAME: service} if service else {}) | _tags(process, "tags"))
        if not process_id:
            return row
        known[process_id] = row
    return known[process_id]


def _span(span: JsonObject, resource: ResourceRow, problems: Problems) -> SentSpan:
    trace_id = divmod(padded_id(span.get("traceID"), 32, "trace id"), 2**64)
    name = text(span, "operationName")
    start = checked_time(integer(span, "startTime", UINT64) * _NS_PER_US)
    attributes = _tags(span, "tags")
    _imply_rpc(name, attributes)
    kind = attributes.pop(TAG_SPAN_KIND, None)
    tagged = take_fields(attributes, any_error=False)
    parent, links = _references(span, trace_id, problems)
    logs = objects(span, "logs")
    events = problems.well_formed(_event, logs, "event")
    return SentSpan(
        trace_id=trace_id,
        span_id=padded_id(span.get("spanID"), 16, "span id"),
        parent_id=parent,
        start=start,
        end=checked_time(start + integer(span, "duration", UINT64) * _NS_PER_US),
        kind=kind_of_tag(kind),
        status=tagged.status,
        name=name,
        resource=resource,
        scope=tagged.scope,
        attributes=attributes,
        events=events,
        links=links,
        flags=integer(span, "flags", UINT32),
        dropped_events=len(logs) - len(events),
        status_message=tagged.status_message,
        trace_state=tagged.trace_state,
    )


def _references(span: JsonObject, trace_id: tuple[int, int], problems: Problems) -> tuple[int, list[LinkRow]]:
    """Return the parent id, 0 for none, and the links."""
    legacy = span.get("parentSpanID")
    parent = padded_id(legacy, 16, "parent span id") if isinstance(legacy, str) and legacy.strip("0") else 0
    followed = 0
    links: list[LinkRow] = []
    for reference in objects(span, "references"):
        for link in problems.well_formed(_link, [reference], "link"):
            same_trace = (link.linked_trace_hi, link.linked_trace_lo) == trace_id
            if reference.get("refType") == _CHILD_OF and same_trace and parent in (0, link.linked_span_id):
                parent = link.linked_span_id
            else:
                links.append(link)
                if reference.get("refType") == _FOLLOWS_FROM and same_trace:
                    followed = followed or link.linked_span_id
    return parent or followed, links


def _link(reference: JsonObject) -> LinkRow:
    trace_hi, trace_lo = divmod(padded_id(reference.get("traceID"), 32, "trace id"), 2**64)
    return LinkRow(
        linked_trace_hi=trace_hi,
        linked_trace_lo=trace_lo,
        linked_span_id=padded_id(reference.get("spanID"), 16, "span id"),
        flags=0,
        dropped_attributes=0,
        trace_state=None,
        attributes=None,
    )


def _event(log: JsonObject) -> EventRow:
    """Read a log; OpenTracing's error log becomes an exception event."""
    fields = _tags(log, "fields")
    name = str(fields.pop(LOG_EVENT, "") or fields.get(LOG_MESSAGE) or "log")
    if name in ("error", EXCEPTION_EVENT):
        name = EXCEPTION_EVENT
        fields = {LOG_EXCEPTION.get(key, key): value for key, value in fields.items()}
    time = checked_time(integer(log, "timestamp", UINT64) * _NS_PER_US)
    return EventRow(time=time, name=name, dropped_attributes=0, attributes=json_or_none(fields))


def _imply_rpc(name: str, attributes: dict[str, Value]) -> None:
    """Add the RPC attributes. OpenTracing's gRPC instrumentations set only the operation name."""
    method = _GRPC_NAME.fullmatch(name)
    if method and str(attributes.get(TAG_COMPONENT)).lower() == _GRPC:
        implied = {RPC_SYSTEM: _GRPC, RPC_SERVICE: method[1], RPC_METHOD: method[2]}
        for key, value in implied.items():
            attributes.setdefault(key, value)


def _tags(parent: JsonObject, name: str) -> dict[str, Value]:
    return {text(tag, "key"): _value(tag) for tag in objects(parent, name)}


def _value(tag: JsonObject) -> Value:
    """Convert a tag's value to its declared type; a value that does not fit is kept as it is."""
    value = tag.get("value")
    try:
        match tag.get("type"):
            case "int64":
                return whole_number(value, "value", INT64)
            case "float64":
                return from_float(float(value)) if isinstance(value, (int, float, str)) else None
            case "bool" if isinstance(value, str):
                return value.lower() == "true"
            case _:
                return representable(value)
    except (WrongTypeError, ValueError, OverflowError):
        return representable(value)


def _recognizes(document: Any) -> bool:
    match document:
        case {"data": [{"spans": _}, *_]} | {"data": []} | {"spans": list(), "processes": _}:
            return True
        case {"data": [first, *_]}:
            return not isinstance(first, dict)
        case _:
            return False


def _read(documents: Sequence[Mapping[str, Any]], problems: Problems) -> Iterator[SentSpan]:
    for document in documents:
        for trace in document.get("data", [document]):
            yield from sent_spans(as_object(trace, "a trace"), problems)


FORMAT: Final = Format(_recognizes, _read)
