"""Spans as the Python SDK's ConsoleSpanExporter prints them: one JSON object per span.

Times are ISO 8601 with microseconds; ids begin with 0x. The instrumentation scope is not printed.
Source: opentelemetry-python, `sdk/trace/__init__.py`, `ReadableSpan.to_json`. In old versions, the attributes
of the resource are the object `resource` itself.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from laban_collector.batch.attributes import Value, representable
from laban_collector.decode.batch_builder import (
    EventRow,
    LinkRow,
    SentSpan,
    checked_time,
    json_or_none,
    resource_row,
    scope_row,
)
from laban_collector.decode.json_documents import (
    JsonObject,
    WrongTypeError,
    as_object,
    objects,
    padded_id,
    text,
)
from laban_collector.decode.results import MalformedError, Problems
from laban_collector.decode.span_kind import kind_of_tag
from laban_collector.importing.formats.format import Format

_STATUS_CODES: Final = {"UNSET": 0, "OK": 1, "ERROR": 2}
_KIND_PREFIX: Final = "SpanKind."
_ID_PREFIX: Final = "0x"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_TRACE_STATE: Final = re.compile(r"\{key=([^,]+), value=([^}]*)\}")


def is_console_span(document: Any) -> bool:
    """Whether a document looks like a printed span."""
    match document:
        case {"context": {"trace_id": _}, "start_time": _}:
            return True
        case _:
            return False


def sent_spans(document: JsonObject, problems: Problems) -> list[SentSpan]:
    """Return the span in a document; a malformed one is left out and counted."""
    try:
        return [_span(document, problems)]
    except (MalformedError, WrongTypeError) as reason:
        problems.reject(reason)
        return []


def _span(document: JsonObject, problems: Problems) -> SentSpan:
    context = as_object(document.get("context"), "context")
    parent = document.get("parent_id")
    start = _time(document, "start_time")
    status = as_object(document.get("status"), "status")
    sent_events, sent_links = objects(document, "events"), objects(document, "links")
    events = problems.well_formed(_event, sent_events, "event")
    links = problems.well_formed(_link, sent_links, "link")
    return SentSpan(
        trace_id=_trace_id(context),
        span_id=_id(context.get("span_id"), 16, "span id"),
        parent_id=_id(parent, 16, "parent span id") if parent else 0,
        start=start,
        end=_time(document, "end_time") if document.get("end_time") else start,
        kind=kind_of_tag(text(document, "kind").removeprefix(_KIND_PREFIX)),
        status=_STATUS_CODES.get(text(status, "status_code"), 0),
        name=text(document, "name"),
        resource=resource_row(_resource(document)),
        scope=scope_row("", "", {}),
        attributes=_attributes(document),
        events=events,
        links=links,
        dropped_events=len(sent_events) - len(events),
        dropped_links=len(sent_links) - len(links),
        status_message=text(status, "description") or None,
        trace_state=_trace_state(context),
    )


def _resource(document: JsonObject) -> dict[str, Value]:
    resource = as_object(document.get("resource"), "resource")
    return _attributes(resource) if isinstance(resource.get("attributes"), dict) else _values(resource)


def _event(event: JsonObject) -> EventRow:
    return EventRow(
        time=_time(event, "timestamp"),
        name=text(event, "name"),
        dropped_attributes=0,
        attributes=json_or_none(_attributes(event)),
    )


def _link(link: JsonObject) -> LinkRow:
    context = as_object(link.get("context"), "the context of a link")
    trace_hi, trace_lo = _trace_id(context)
    return LinkRow(
        linked_trace_hi=trace_hi,
        linked_trace_lo=trace_lo,
        linked_span_id=_id(context.get("span_id"), 16, "span id"),
        flags=0,
        dropped_attributes=0,
        trace_state=_trace_state(context),
        attributes=json_or_none(_attributes(link)),
    )


def _attributes(parent: JsonObject) -> dict[str, Value]:
    return _values(as_object(parent.get("attributes"), "attributes"))


def _values(sent: JsonObject) -> dict[str, Value]:
    return {key: representable(value) for key, value in sent.items()}


def _trace_id(context: JsonObject) -> tuple[int, int]:
    return divmod(_id(context.get("trace_id"), 32, "trace id"), 2**64)


def _id(sent: object, digits: int, what: str) -> int:
    return padded_id(sent.removeprefix(_ID_PREFIX) if isinstance(sent, str) else sent, digits, what)


def _trace_state(context: JsonObject) -> str | None:
    """Return the trace state in the form of its header; it is printed as `[{key=a, value=b}, …]`."""
    pairs = _TRACE_STATE.findall(text(context, "trace_state"))
    return ",".join(f"{key}={value}" for key, value in pairs) or None


def _time(parent: JsonObject, name: str) -> int:
    """Return a time in ns; raises MalformedError."""
    sent = text(parent, name)
    if not sent:
        raise MalformedError(f"no {name}")
    try:
        time = datetime.fromisoformat(sent)
    except ValueError:
        raise MalformedError(f"a {name} that is not ISO 8601") from None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    if time < _EPOCH:
        raise MalformedError("a time before 1970")
    return checked_time((time - _EPOCH) // _MICROSECOND * 1000)


def _read(documents: Sequence[JsonObject], problems: Problems) -> Iterator[SentSpan]:
    for document in documents:
        yield from sent_spans(document, problems)


FORMAT: Final = Format(is_console_span, _read)
