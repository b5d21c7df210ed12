"""The documents in which spans of Datadog come, as spans in the form in which tracers send them."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from laban_collector.batch.attributes import Value
from laban_collector.decode.batch_builder import checked_time
from laban_collector.decode.json_documents import JsonObject, WrongTypeError, as_object, objects, text
from laban_collector.decode.results import MalformedError, Problems
from laban_collector.importing.formats.flattened import flattened

_API_FIELDS: Final = frozenset(
    (
        *("attributes", "custom", "end_timestamp", "env", "host", "ingestion_reason", "operation_name"),
        *("parent_id", "resource_hash", "resource_name", "retained_by", "service", "single_span"),
        *("span_id", "start_timestamp", "status", "tags", "trace_id", "type"),
    )
)
_API_SPAN: Final = "a span (Datadog API)"
_US_PER_S: Final = 1_000_000
_NS_PER_US: Final = 1000


def recognizes(document: Any) -> bool:
    """Whether a document has spans of Datadog."""
    match document:
        case {"trace_id": _, "span_id": _, "start": _} | {"trace_id": _, "span_id": _, "start_timestamp": _}:
            return True
        case {"data": [{"attributes": {"span_id": _}}, *_]} | {"attributes": {"span_id": _, "trace_id": _}}:
            return True
        case {"traces": [[{"span_id": _}, *_], *_]} | {"trace": {"spans": dict(), "root_id": _}}:
            return True
        case _:
            return False


def all_spans(documents: Sequence[JsonObject], problems: Problems) -> Iterator[JsonObject]:
    """Yield the spans of all documents in the form in which tracers send them."""
    for document in documents:
        try:
            yield from _of_document(document, problems)
        except WrongTypeError as reason:
            problems.reasons[f"document(s) skipped: {reason}"] += 1


def _of_document(document: JsonObject, problems: Problems) -> Iterator[JsonObject]:
    if "trace_id" in document and "start" in document:
        yield document
    elif "trace_id" in document:
        yield from _from_api(document, problems)
    elif "attributes" in document:
        yield from _from_api(as_object(document["attributes"], "attributes"), problems)
    elif "trace" in document:
        spans = as_object(as_object(document["trace"], "trace").get("spans"), "spans")
        yield from (as_object(span, "a span") for span in spans.values())
    else:
        for answer in objects(document, "data"):
            yield from _from_api(as_object(answer.get("attributes"), "attributes"), problems)
        traces = document.get("traces") or []
        for trace in traces if isinstance(traces, list) else []:
            yield from objects({"a trace": trace}, "a trace")


def _from_api(sent: JsonObject, problems: Problems) -> Iterator[JsonObject]:
    """Yield a span of the API as a tracer would have sent it; a malformed one is counted."""
    problems.count_unknown(sent.keys() - _API_FIELDS, _API_SPAN)
    try:
        start, end = _iso_time(sent, "start_timestamp"), _iso_time(sent, "end_timestamp")
        custom = as_object(sent.get("custom"), "custom")
        meta = dict(_tags(sent)) | flattened(as_object(sent.get("attributes"), "attributes"))
        meta |= flattened({key: value for key, value in custom.items() if key != "duration"})
        failed = text(sent, "status") == "error" or custom.get("error") not in (None, 0, False)
        for name in ("env", "host"):
            if value := text(sent, name):
                meta.setdefault(name, value)
        duration = custom.get("duration")
        yield {
            **{name: sent.get(name) for name in ("trace_id", "span_id", "parent_id", "service", "type")},
            "name": text(sent, "operation_name") or str(meta.pop("operation_name", "")),
            "resource": text(sent, "resource_name"),
            "start": start,
            # The times are in ms, the duration is in ns.
            "duration": duration if isinstance(duration, int) else max(end - start, 0),
            "error": int(failed),
            "meta": meta,
        }
    except (MalformedError, WrongTypeError) as reason:
        problems.reject(reason)


def _tags(sent: JsonObject) -> Iterator[tuple[str, Value]]:
    """Yield the tags `KEY:VALUE` in a list; others are names without a value."""
    listed = sent.get("tags")
    for tag in listed if isinstance(listed, list) else []:
        key, _, value = str(tag).partition(":")
        yield key, value


def _iso_time(sent: JsonObject, name: str) -> int:
    try:
        found = datetime.fromisoformat(text(sent, name))
        return checked_time(round(found.timestamp() * _US_PER_S) * _NS_PER_US)
    except (ValueError, OverflowError):
        raise MalformedError(f"a {name} that is not ISO 8601") from None
