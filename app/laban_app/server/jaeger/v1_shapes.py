"""The JSON of Jaeger's API v1, from whole traces.

Source: `uimodel/model.go` of jaegertracing/jaeger; the tags of fields are those of OpenTelemetry's "Mapping
to non-OTLP Formats", and of `traces_to_jaegerproto.go` in the OpenTelemetry Collector.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from laban.vocabulary import (
    LOG_EVENT,
    SERVICE_NAME,
    TAG_ERROR,
    TAG_SCOPE_NAMES,
    TAG_SCOPE_VERSIONS,
    TAG_SPAN_KIND,
    TAG_STATUS_CODE,
    TAG_STATUS_DESCRIPTION,
    TAG_TRACE_STATE,
)
from laban_app.server.jaeger.clock_warnings import Warnings
from laban_app.server.jaeger.shared_spans import SpanIds, second_ids, shown_ids
from laban_mapper.trace import AttributeValues, Trace, TraceEvent, TraceResource, TraceSpan

Json = dict[str, Any]

_NS_PER_US: Final = 1000
_SAFE: Final = 2**53 - 1
"""The largest integer that JavaScript reads exactly; larger ones are texts."""
_SAMPLED: Final = 1
_NO_ID: Final = "0" * 16
_REF_TYPE: Final = "opentracing.ref_type"
"""The attribute of a link that tells its kind, if it came from OpenTracing."""


def envelope(
    data: Any, total: int = 0, limit: int = 0, errors: Sequence[Json] = (), notes: Sequence[str] = ()
) -> Json:
    """Return the object around every answer.

    `notes` says what an answer left out. It is laban's: Grafana takes an entry of `errors` for a failure.
    """
    told = {"notes": list(notes)} if notes else {}
    return {"data": data, "total": total, "limit": limit, "offset": 0, "errors": list(errors) or None, **told}


def short_id(trace_id: str) -> str:
    """Return a trace ID as Jaeger writes it: 16 digits for an ID of 64 bits."""
    return trace_id[16:] if trace_id.startswith(_NO_ID) else trace_id


def trace_json(trace: Trace, warnings: Warnings, notes: Sequence[str] = ()) -> Json:
    """Return one trace; its spans all have its ID, in the longest form that one of them has."""
    shown = short_id(max((span.trace_id for span in trace.spans), default=trace.trace_id))
    processes: dict[int, str] = {}
    resources: dict[str, TraceResource] = {}
    second = second_ids(trace.spans)
    spans = []
    for span in trace.spans:
        process = processes.setdefault(id(span.resource), f"p{len(processes) + 1}")
        resources[process] = span.resource
        warning = warnings.get((span.trace_id, span.span_id, span.resource.service))
        ids = shown_ids(span, second)
        spans.append(_span(span, shown, ids, process, None if warning is None else [warning]))
    return {
        "traceID": shown,
        "spans": spans,
        "processes": {name: _process(resource) for name, resource in resources.items()},
        "warnings": list(notes) or None,
    }


def _span(span: TraceSpan, trace_id: str, ids: SpanIds, process: str, warnings: list[str] | None) -> Json:
    flags = {"flags": span.flags & _SAMPLED} if span.flags & _SAMPLED else {}
    return {
        "traceID": trace_id,
        "spanID": ids.span_id,
        **flags,
        "operationName": span.name,
        "references": _references(span, trace_id, ids.parent_id),
        "startTime": span.start_ns // _NS_PER_US,
        "duration": span.duration_ns // _NS_PER_US,
        "tags": _tags(span.attributes) + _field_tags(span),
        "logs": [_log(event) for event in span.events],
        "processID": process,
        "warnings": warnings,
    }


def _references(span: TraceSpan, trace_id: str, parent_id: str | None) -> list[Json]:
    """Return the parent, and the links: what a span follows from, unless the link says otherwise."""
    found = [] if parent_id is None else [_reference("CHILD_OF", trace_id, parent_id)]
    for link in span.links:
        if link.span_id.strip("0") and link.trace_id.strip("0"):
            child = str(link.attributes.get(_REF_TYPE)).lower() == "child_of"
            kind = "CHILD_OF" if child else "FOLLOWS_FROM"
            found.append(_reference(kind, short_id(link.trace_id), link.span_id))
    return found


def _reference(kind: str, trace_id: str, span_id: str) -> Json:
    return {"refType": kind, "traceID": trace_id, "spanID": span_id}


def _process(resource: TraceResource) -> Json:
    others = {key: value for key, value in resource.attributes.items() if key != SERVICE_NAME}
    return {"serviceName": resource.service, "tags": _tags(others)}


def _log(event: TraceEvent) -> Json:
    named = {LOG_EVENT: event.name} if event.name and LOG_EVENT not in event.attributes else {}
    return {"timestamp": event.time_ns // _NS_PER_US, "fields": _tags({**named, **event.attributes})}


def _field_tags(span: TraceSpan) -> list[Json]:
    """Return the fields that Jaeger's model has no place for, as tags."""
    fields: AttributeValues = {}
    if span.scope.name:
        fields[TAG_SCOPE_NAMES[0]] = span.scope.name
    if span.scope.version:
        fields[TAG_SCOPE_VERSIONS[0]] = span.scope.version
    if span.kind != "unspecified":
        fields[TAG_SPAN_KIND] = span.kind
    if span.status != "unset":
        fields[TAG_STATUS_CODE] = span.status.upper()
    if span.status == "error":
        fields[TAG_ERROR] = True
    if span.status_message:
        fields[TAG_STATUS_DESCRIPTION] = span.status_message
    if span.trace_state:
        fields[TAG_TRACE_STATE] = span.trace_state
    return _tags({key: value for key, value in fields.items() if key not in span.attributes})


def _tags(attributes: Mapping[str, Any]) -> list[Json]:
    return [{"key": key, **_typed(value)} for key, value in attributes.items()]


def _typed(value: Any) -> Json:
    match value:
        case bool():
            return {"type": "bool", "value": value}
        case int():
            return {"type": "int64", "value": value if abs(value) <= _SAFE else str(value)}
        case float():
            return {"type": "float64", "value": value}
        case str():
            return {"type": "string", "value": value}
        case None:
            return {"type": "string", "value": ""}
        case _:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            return {"type": "string", "value": text}
