"""Zipkin v2 JSON to spans. Times are in microseconds.

Both halves of a shared span keep their id: one is stored as CLIENT, the other as SERVER. If several receivers
of a message share the sender's id, the first one keeps it and the others get new ids.
Source: https://zipkin.io/zipkin-api/zipkin2-api.yaml
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from laban.vocabulary import (
    CLIENT_ADDRESS,
    CLIENT_PORT,
    LOCAL_ADDRESS,
    LOCAL_PORT,
    MESSAGING_SYSTEM,
    PEER_SERVICE,
    SERVER_ADDRESS,
    SERVER_PORT,
    SERVICE_NAME,
    TAG_SPAN_KIND,
    ZIPKIN_TAGS,
)
from laban_collector.batch.attributes import Value, representable
from laban_collector.decode.batch_builder import EventRow, SentSpan, checked_time, resource_row
from laban_collector.decode.dialects.placements import SYSTEM
from laban_collector.decode.json_documents import (
    UINT32,
    UINT64,
    JsonObject,
    WrongTypeError,
    as_object,
    integer,
    objects,
    padded_id,
    text,
)
from laban_collector.decode.promotion import promote
from laban_collector.decode.results import MalformedError, Problems
from laban_collector.decode.span_kind import UNSPECIFIED, kind_of_tag
from laban_collector.importing.formats.format import Format
from laban_collector.importing.formats.otel_tags import take_fields

_NS_PER_US: Final = 1000
_SERVER: Final = 2
_KINDS: Final = {"SERVER": _SERVER, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}
_CALLED: Final = (_SERVER, 5)
_MESSAGING: Final = (4, 5)
_FIELDS: Final = frozenset(
    (
        *("traceId", "parentId", "id", "kind", "name", "timestamp", "duration", "debug", "shared"),
        *("localEndpoint", "remoteEndpoint", "annotations", "tags"),
    )
)

_Starts = dict[tuple[object, object], int]
"""The earliest start in µs by (trace id, span id), as sent."""

_Identity = tuple[tuple[int, int], int, int]
"""Trace id, span id and kind: the identity of a span in the store."""


def sent_spans(spans: Sequence[object], problems: Problems) -> Iterator[SentSpan]:
    """Yield the spans of one list; malformed ones are left out and counted."""
    starts = _known_starts(spans)
    first_starts: dict[_Identity, int] = {}
    for span in spans:
        try:
            fields = as_object(span, "a span")
            if not fields.keys() <= _FIELDS:
                problems.count_unknown(fields.keys() - _FIELDS, "a span (Zipkin)")
            sent = _span(fields, starts, problems)
            yield _with_unique_id(sent, first_starts)
        except (MalformedError, WrongTypeError) as reason:
            problems.reject(reason)


def _with_unique_id(span: SentSpan, first_starts: dict[_Identity, int]) -> SentSpan:
    """Return the span, with a new id if a span with another start already has its id."""
    first = first_starts.setdefault((span.trace_id, span.span_id, span.kind), span.start)
    if span.start == first:
        return span
    # Derived from the content of the span: importing the same file again gives the same id.
    content = f"{span.span_id}/{span.start}/{span.resource.resource_id}".encode()
    own = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())
    return span._replace(span_id=own)


def _known_starts(spans: Sequence[object]) -> _Starts:
    """Return the known starts, for the halves of shared spans that have no timestamp."""
    starts: _Starts = {}
    for span in spans:
        if isinstance(span, dict) and isinstance(time := span.get("timestamp"), int) and time > 0:
            ids = (str(span.get("traceId")), str(span.get("id")))
            starts[ids] = min(time, starts.get(ids, time))
    return starts


def _span(span: JsonObject, starts: _Starts, problems: Problems) -> SentSpan:
    kind = _KINDS.get(text(span, "kind").upper(), UNSPECIFIED)
    kind = kind or kind_of_tag(as_object(span.get("tags"), "tags").get(TAG_SPAN_KIND))
    if kind == UNSPECIFIED and span.get("shared") is True:
        kind = _SERVER
    local = as_object(span.get("localEndpoint"), "localEndpoint")
    service = text(local, "serviceName")
    attributes = _attributes(span, local, kind)
    tagged = take_fields(attributes, any_error=True)
    start = checked_time(_start(span, starts) * _NS_PER_US)
    annotations = objects(span, "annotations")
    events = problems.well_formed(_event, annotations, "event")
    parent = span.get("parentId")
    return SentSpan(
        trace_id=divmod(padded_id(span.get("traceId"), 32, "trace id"), 2**64),
        span_id=padded_id(span.get("id"), 16, "span id"),
        parent_id=padded_id(parent, 16, "parent span id") if parent and parent != "0" * 16 else 0,
        start=start,
        end=checked_time(start + integer(span, "duration", UINT64) * _NS_PER_US),
        kind=kind,
        status=tagged.status,
        name=text(span, "name"),
        resource=resource_row({SERVICE_NAME: service} if service else {}),
        scope=tagged.scope,
        attributes=attributes,
        events=events,
        links=[],
        dropped_events=len(annotations) - len(events),
        status_message=tagged.status_message,
        trace_state=tagged.trace_state,
    )


def _start(span: JsonObject, starts: _Starts) -> int:
    """Return the start in µs: its own, that of its first annotation, or that of its other half."""
    own = integer(span, "timestamp", UINT64)
    if own:
        return own
    times = [integer(annotation, "timestamp", UINT64) for annotation in objects(span, "annotations")]
    first = min(filter(None, times), default=0) or starts.get((str(span.get("traceId")), str(span.get("id"))))
    if not first:
        raise MalformedError("no timestamp")
    return first


def _attributes(span: JsonObject, local: JsonObject, kind: int) -> dict[str, Value]:
    tags = as_object(span.get("tags"), "tags")
    attributes = {tag: representable(value) for tag, value in tags.items()}
    for tag, implied in ZIPKIN_TAGS.items():
        if tag in attributes:
            if attributes[tag] != "":  # the default exchange, which is no name
                attributes.setdefault(implied.key, attributes[tag])
            attributes.setdefault(implied.system_key, implied.system)
    attributes |= _endpoint(local, LOCAL_ADDRESS, LOCAL_PORT)
    remote = as_object(span.get("remoteEndpoint"), "remoteEndpoint")
    peer = text(remote, "serviceName")
    if peer and kind in _MESSAGING:
        # The remote endpoint of a message is the broker. It is no topic: all topics would become one.
        named, _ = promote(attributes, kind)
        if SYSTEM not in named:
            attributes[MESSAGING_SYSTEM] = peer
    elif peer:
        attributes.setdefault(PEER_SERVICE, peer)
    address = (CLIENT_ADDRESS, CLIENT_PORT) if kind in _CALLED else (SERVER_ADDRESS, SERVER_PORT)
    return _endpoint(remote, *address) | attributes


def _endpoint(endpoint: JsonObject, address_key: str, port_key: str) -> dict[str, Value]:
    address = text(endpoint, "ipv4") or text(endpoint, "ipv6")
    port = integer(endpoint, "port", UINT32)
    found: dict[str, Value] = {address_key: address} if address else {}
    if port:
        found[port_key] = port
    return found


def _event(annotation: JsonObject) -> EventRow:
    time = checked_time(integer(annotation, "timestamp", UINT64) * _NS_PER_US)
    return EventRow(time=time, name=text(annotation, "value"), dropped_attributes=0, attributes=None)


def _recognizes(document: Any) -> bool:
    match document:
        case {"traceId": _, "id": _} | [{"traceId": _, "id": _}, *_]:
            return True
        case _:
            return False


def _read(documents: Sequence[Any], problems: Problems) -> Iterator[SentSpan]:
    for document in documents:
        yield from sent_spans(document if isinstance(document, list) else [document], problems)


FORMAT: Final = Format(_recognizes, _read)
