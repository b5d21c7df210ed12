"""The JSON of Jaeger's API v3: OTLP in the JSON encoding, and the summaries of traces.

Sources: `query_service.proto` of jaegertracing/jaeger-idl; "JSON Protobuf Encoding" of the OTLP
specification.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from laban_app.server.jaeger.clock_warnings import Warnings
from laban_app.server.jaeger.shared_spans import SecondIds, second_ids, shown_ids
from laban_app.server.jaeger.summaries import Summary
from laban_mapper.trace import Trace, TraceEvent, TraceLink, TraceResource, TraceScope, TraceSpan

Json = dict[str, Any]

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")
_WARNINGS: Final = "@jaeger@warnings"
"""The attribute in which Jaeger's API v3 has warnings."""


def traces_json(traces: Iterable[Trace], warnings: Warnings) -> Json:
    """Return whole traces as `TracesData`, each with resources of its own, in the gateway's envelope."""
    found = [resource for trace in traces for resource in _resource_spans(trace, warnings)]
    return {"result": {"resourceSpans": found}}


def summary_json(summary: Summary) -> Json:
    """Return one `TraceSummary`; integers of 64 bits are texts."""
    root = summary.root
    return {
        "traceId": summary.trace_id,
        **({} if root is None else {"rootServiceName": root.service, "rootOperationName": root.name}),
        "minStartTimeUnixNano": str(summary.start),
        "maxEndTimeUnixNano": str(summary.end),
        "spanCount": summary.spans,
        "errorSpanCount": summary.errors,
        "orphanSpanCount": summary.orphans,
        "services": [
            {"name": service.name, "spanCount": service.spans, "errorSpanCount": service.errors}
            for service in summary.services
        ],
    }


def _resource_spans(trace: Trace, warnings: Warnings) -> list[Json]:
    second = second_ids(trace.spans)
    by_resource: defaultdict[int, defaultdict[int, list[TraceSpan]]] = defaultdict(lambda: defaultdict(list))
    for span in trace.spans:
        by_resource[id(span.resource)][id(span.scope)].append(span)
    return [
        {
            "resource": _resource(next(iter(scopes.values()))[0].resource),
            "scopeSpans": [
                {"scope": _scope(spans[0].scope), "spans": [_span(span, second, warnings) for span in spans]}
                for spans in scopes.values()
            ],
        }
        for scopes in by_resource.values()
    ]


def _resource(resource: TraceResource) -> Json:
    return _attributes({"service.name": resource.service, **resource.attributes})


def _scope(scope: TraceScope) -> Json:
    return _without_defaults({"name": scope.name, "version": scope.version}) | _attributes(scope.attributes)


def _span(span: TraceSpan, second: SecondIds, warnings: Warnings) -> Json:
    ids = shown_ids(span, second)
    warning = warnings.get((span.trace_id, span.span_id, span.resource.service))
    attributes = span.attributes if warning is None else {**span.attributes, _WARNINGS: [warning]}
    status = _without_defaults({"code": _STATUSES.index(span.status), "message": span.status_message})
    return {
        "traceId": span.trace_id,
        "spanId": ids.span_id,
        **_without_defaults(
            {
                "traceState": span.trace_state,
                "parentSpanId": ids.parent_id,
                "flags": span.flags,
                "name": span.name,
                "kind": _KINDS.index(span.kind),
            }
        ),
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.start_ns + span.duration_ns),
        **_attributes(attributes, span.dropped_attributes),
        **_without_defaults(
            {
                "events": [_event(event) for event in span.events],
                "droppedEventsCount": span.dropped_events,
                "links": [_link(link) for link in span.links],
                "droppedLinksCount": span.dropped_links,
            }
        ),
        "status": status,
    }


def _event(event: TraceEvent) -> Json:
    return {
        "timeUnixNano": str(event.time_ns),
        "name": event.name,
        **_attributes(event.attributes, event.dropped_attributes),
    }


def _link(link: TraceLink) -> Json:
    return {
        "traceId": link.trace_id,
        "spanId": link.span_id,
        **_without_defaults({"traceState": link.trace_state, "flags": link.flags}),
        **_attributes(link.attributes, link.dropped_attributes),
    }


def _attributes(attributes: Mapping[str, Any], dropped: int = 0) -> Json:
    pairs = _key_values(attributes)
    return _without_defaults({"attributes": pairs, "droppedAttributesCount": dropped})


def _key_values(attributes: Mapping[str, Any]) -> list[Json]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: Any) -> Json:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
        case dict():
            return {"kvlistValue": {"values": _key_values(value)}}
        case list():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case _:
            return {}


def _without_defaults(fields: Mapping[str, Any]) -> Json:
    """Return the fields without those that have the default value, which JSON of protobuf leaves out."""
    return {name: value for name, value in fields.items() if value not in (None, "", 0, [])}
