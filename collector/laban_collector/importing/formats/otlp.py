"""OTLP/JSON in files: exports of the OpenTelemetry Collector, Jaeger's `/api/v3`, Tempo's `/api/traces`.

Jaeger wraps OTLP in `result`, one object a chunk of a trace; Tempo's newer API wraps it in `trace`, the older
one calls the list `batches`. The result is an OTLP request in protobuf, which is decoded like those of
senders.
Sources: jaeger, `internal/proto/api_v3`; Tempo's documentation of its API; opentelemetry-proto 1.x.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import GenericAlias
from typing import Any, Final

import msgspec

from laban_collector.decode import otlp_json
from laban_collector.decode.json_dialects import FILES
from laban_collector.decode.json_documents import JsonObject, NotJsonError, parse
from laban_collector.decode.otlp_json import ProtobufRequest
from laban_collector.decode.results import Problems
from laban_collector.importing.formats.format import Format

_WRAPPERS: Final = ("result", "trace")
_LISTS: Final = frozenset(FILES.resource_spans)

_ATTRIBUTES: Final = ("attributes", "droppedAttributesCount")
_FIELDS: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, str]]]] = {
    "a link": (("traceId", "spanId", "traceState", "flags", *_ATTRIBUTES), {}),
    "an event": (("timeUnixNano", "name", *_ATTRIBUTES), {}),
    "a status": (("code", "message", "deprecatedCode"), {}),
    "a span": (
        (
            *("traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind"),
            *("startTimeUnixNano", "endTimeUnixNano", "droppedEventsCount", "droppedLinksCount"),
            *_ATTRIBUTES,
        ),
        {"status": "a status", "events": "an event", "links": "a link"},
    ),
    "a scope": (("name", "version", *_ATTRIBUTES), {}),
    "a resource": (("entityRefs", *_ATTRIBUTES), {}),
    "scope spans": (
        ("schemaUrl",),
        {"spans": "a span", "scope": "a scope", "instrumentationLibrary": "a scope"},
    ),
    "resource spans": (
        ("schemaUrl",),
        {
            "resource": "a resource",
            "scopeSpans": "scope spans",
            "instrumentationLibrarySpans": "scope spans",
        },
    ),
    "a document": ((), {"resourceSpans": "resource spans", "batches": "resource spans"}),
}
"""The fields of each message, and the messages in them; those below come first."""
_SINGLE: Final = frozenset(("status", "scope", "instrumentationLibrary", "resource"))
"""Fields with one message; others have a list."""


def _strict_type() -> Any:
    """Return the type of documents without unknown fields; what they contain is not parsed."""
    types: dict[str, Any] = {}
    for name, (leaves, below) in _FIELDS.items():
        fields: list[tuple[str, Any, Any]] = [(leaf, msgspec.Raw, msgspec.Raw()) for leaf in leaves]
        for field, of in below.items():
            one = types[of] if field in _SINGLE else GenericAlias(list, types[of])
            fields.append((field, one | None, None))
        types[name] = msgspec.defstruct(name.title(), fields, forbid_unknown_fields=True, gc=False)
    return types["a document"]


_STRICT: Final = msgspec.json.Decoder(_strict_type())


def _recognizes(document: Any) -> bool:
    return isinstance(document, dict) and not _LISTS.isdisjoint(_unwrapped(document))


def _read(documents: Sequence[JsonObject], problems: Problems) -> Iterator[ProtobufRequest]:
    for document in documents:
        yield otlp_json.to_protobuf(_unwrapped(document), problems, FILES)


def _unwrapped(document: JsonObject) -> JsonObject:
    for name in _WRAPPERS:
        inner = document.get(name)
        if isinstance(inner, dict):
            return inner
    return document


def count_unknown(text: bytes, document: object, problems: Problems) -> None:
    """Count the fields that OTLP does not have, of a document that is OTLP.

    The parser of requests skips them, so that only a document that has some is parsed completely.

    Args:
        text: of the document; empty if it was parsed completely.
        document: parsed.
        problems: counts.
    """
    if isinstance(document, list):
        for element in document:
            count_unknown(b"", element, problems)
        return
    if not isinstance(document, dict) or not _recognizes(document):
        return
    try:
        _STRICT.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            whole = parse(text)
        except NotJsonError:
            whole = document
        if isinstance(whole, dict):
            _walk(_unwrapped(whole), "a document", problems)


def _walk(sent: object, name: str, problems: Problems) -> None:
    leaves, below = _FIELDS[name]
    for one in sent if isinstance(sent, list) else [sent]:
        if isinstance(one, dict):
            problems.count_unknown(one.keys() - {*leaves, *below}, f"{name} (OTLP)")
            for field, of in below.items():
                _walk(one.get(field), of, problems)


FORMAT: Final = Format(_recognizes, _read)
