"""AWS X-Ray: answers of BatchGetTraces, and segment documents as SDKs send them to the daemon.

A segment is what one service did for a request: a SERVER span, or a CONSUMER span if it follows from a
message. Its subsegments are CLIENT and PRODUCER spans if they call something, else INTERNAL. A segment that
X-Ray inferred from a call repeats the call, and is left out; what is below it goes below the call. One
segment may be split over several documents, so those of one chunk are read together.
Source: the X-Ray developer guide, "X-Ray segment documents", and the API reference.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from laban.vocabulary import MESSAGING_DESTINATION_NAME, MESSAGING_SYSTEM
from laban_collector.batch.attributes import Value
from laban_collector.decode.batch_builder import LinkRow, ResourceRow, SentSpan, json_or_none, scope_row
from laban_collector.decode.json_documents import (
    JsonObject,
    NotJsonError,
    WrongTypeError,
    as_object,
    check_hex,
    objects,
    padded_id,
    parse,
    text,
)
from laban_collector.decode.results import MalformedError, Problems
from laban_collector.importing.formats import xray_attributes as attributes_of
from laban_collector.importing.formats import xray_errors as errors_of
from laban_collector.importing.formats.flattened import flattened
from laban_collector.importing.formats.format import Format

_INTERNAL, _SERVER, _CLIENT, _PRODUCER, _CONSUMER = 1, 2, 3, 4, 5
_REMOTE: Final = ("aws", "remote")
_SUBSEGMENT: Final = "subsegment"
_TRACE_ID: Final = re.compile(r"(?:Root=)?1-([0-9A-Fa-f]{8})-([0-9A-Fa-f]{24})")
_INFERRED: Final = "segment(s) left out: X-Ray inferred them from calls, which are stored"
_IN_PROGRESS: Final = "segment(s) in progress: stored up to what is known"
_REPEATED: Final = "segment(s) left out: a newer document of the same segment is stored"
_UNPROCESSED: Final = "trace(s) skipped: X-Ray did not return them (UnprocessedTraceIds). Export them again"
_LIMITED: Final = "trace(s) are incomplete: they exceed X-Ray's size limit (LimitExceeded)"
_SEGMENT: Final = "a segment (X-Ray)"

_Key = tuple[str, str]
"""Trace id and id of a segment, as sent."""


class _Node(NamedTuple):
    """A segment or a subsegment.

    Attributes:
        sent: as sent.
        trace: the trace id, as sent.
        parent: the id of the one above, as sent; None for none.
        top: the document that contains it.
        is_segment: whether it is a segment, not a subsegment.
    """

    sent: JsonObject
    trace: str
    parent: str | None
    top: JsonObject
    is_segment: bool


def _recognizes(document: Any) -> bool:
    match document:
        case {"Segments": list()} | {"Traces": list()} | {"TraceSegmentDocuments": list()}:
            return True
        case {"format": "json", "version": _}:  # the line before each document that is sent to the daemon
            return True
        case {"trace_id": str(), "id": _, "name": _, "start_time": _}:
            return True
        case _:
            return False


def _read(documents: Sequence[JsonObject], problems: Problems) -> Iterator[SentSpan]:
    tree = _Tree(_segments(documents, problems), problems)
    for node in tree.nodes.values():
        try:
            yield tree.span(node)
        except (MalformedError, WrongTypeError) as reason:
            problems.reject(reason)


def _segments(documents: Sequence[JsonObject], problems: Problems) -> Iterator[JsonObject]:
    """Yield the segment documents; those that cannot be read are counted."""
    for document in documents:
        try:
            yield from _of_document(document, problems)
        except WrongTypeError as reason:
            problems.reasons[f"document(s) skipped: {reason}"] += 1


def _of_document(document: JsonObject, problems: Problems) -> Iterator[JsonObject]:
    if "start_time" in document:
        yield document
    for trace in objects(document, "Traces"):
        yield from _of_document(trace, problems)
    if document.get("LimitExceeded") is True:
        problems.notes[_LIMITED] += 1
    if unprocessed := _listed(document, "UnprocessedTraceIds"):
        problems.reasons[_UNPROCESSED] += len(unprocessed)
    texts = [segment.get("Document") for segment in objects(document, "Segments")]
    for sent in [*texts, *_listed(document, "TraceSegmentDocuments")]:
        try:
            yield as_object(parse(sent.encode()) if isinstance(sent, str) else sent, "a segment")
        except (NotJsonError, UnicodeEncodeError, WrongTypeError) as reason:
            problems.reject(f"a segment document that is not JSON: {reason}")


def _listed(document: JsonObject, name: str) -> list[Any]:
    found = document.get(name)
    if found is not None and not isinstance(found, list):
        raise WrongTypeError(f"{name} is not a list")
    return found or []


class _Tree:
    """The segments and subsegments of some documents, and what they say about each other.

    Attributes:
        nodes: by trace and id, each above those below it.
    """

    def __init__(self, documents: Iterable[JsonObject], problems: Problems) -> None:
        self.nodes: dict[_Key, _Node] = {}
        self._problems = problems
        self._inferred: dict[_Key, str | None] = {}
        self._resources: dict[int, ResourceRow] = {}
        for document in documents:
            try:
                self._add(document)
            except (MalformedError, WrongTypeError) as reason:
                problems.reject(reason)
        self._called = {(node.trace, node.parent) for node in self.nodes.values() if node.is_segment}
        self._causes = {
            str(exception["id"]): exception
            for node in self.nodes.values()
            for exception in errors_of.exceptions(node.sent)
            if "id" in exception
        }

    def _add(self, document: JsonObject) -> None:
        trace = text(document, "trace_id")
        if document.get("inferred") is True:
            self._inferred[trace, text(document, "id")] = text(document, "parent_id") or None
            self._problems.notes[_INFERRED] += 1
            return
        is_segment = document.get("type") != _SUBSEGMENT
        parent = text(document, "parent_id") or None
        waiting = [_Node(document, trace, parent, document, is_segment)]
        while waiting:
            node = waiting.pop()
            key = (trace, text(node.sent, "id"))
            known = self.nodes.get(key)
            if known is not None:
                self._problems.notes[_REPEATED] += 1
                if node.sent.get("in_progress") is True:
                    continue  # what it contains is in the document that is complete
                del self.nodes[key]
            self.nodes[key] = node
            waiting += [
                _Node(sub, trace, key[1], document, is_segment=False)
                for sub in objects(node.sent, "subsegments")
            ]

    def span(self, node: _Node) -> SentSpan:
        """Return a node as a span; raises MalformedError or WrongTypeError."""
        self._problems.count_unknown(node.sent.keys() - attributes_of.FIELDS, _SEGMENT)
        kind, message = self._kind(node)
        attributes = message | attributes_of.attributes(node.sent, kind)
        start = attributes_of.time(node.sent, "start_time")
        events, error = errors_of.events(node.sent, self._causes)
        status, status_message = errors_of.status(node.sent, kind, error)
        parent = self._parent(node)
        links = self._problems.well_formed(_link, objects(node.sent, "links"), "link")
        return SentSpan(
            trace_id=_trace_id(node.trace),
            span_id=padded_id(node.sent.get("id"), 16, "span id"),
            parent_id=padded_id(parent, 16, "parent span id") if parent else 0,
            start=start,
            end=self._end(node, start, attributes),
            kind=kind,
            status=status,
            name=text(node.sent, "name"),
            resource=self._resource(node),
            scope=scope_row("aws.xray", "", {}),
            attributes=attributes | error,
            events=events,
            links=links,
            status_message=status_message,
        )

    def _parent(self, node: _Node) -> str | None:
        """Return the id of the parent that is stored: the call, not the segment inferred from it."""
        parent, seen = node.parent, set[str]()
        while parent is not None and (node.trace, parent) in self._inferred and parent not in seen:
            seen.add(parent)
            parent = self._inferred[node.trace, parent]
        return parent

    def _kind(self, node: _Node) -> tuple[int, dict[str, Value]]:
        """Return the kind of a span, and the message that it processes."""
        parent = self.nodes.get((node.trace, self._parent(node) or ""))
        if not node.is_segment:
            published = attributes_of.publishes(node.sent)
            calls = node.sent.get("namespace") in _REMOTE or (node.trace, node.sent.get("id")) in self._called
            return (_PRODUCER if published else _CLIENT if calls else _INTERNAL), {}
        linked = [self.nodes.get(key) for key in _linked(node.sent)]
        for cause in (parent, *linked):
            if cause is not None and not cause.is_segment and attributes_of.publishes(cause.sent):
                message = attributes_of.attributes(cause.sent, _PRODUCER)
                kept = (MESSAGING_SYSTEM, MESSAGING_DESTINATION_NAME)
                return _CONSUMER, {key: message[key] for key in kept if key in message}
        # Lambda writes two segments an invocation: one of the service, and below it one of the function.
        same = parent is not None and parent.is_segment and parent.sent.get("name") == node.sent.get("name")
        return (_INTERNAL if same else _SERVER), {}

    def _end(self, node: _Node, start: int, attributes: dict[str, Value]) -> int:
        if node.sent.get("end_time") is not None:
            return attributes_of.time(node.sent, "end_time")
        self._problems.notes[_IN_PROGRESS] += 1
        attributes[attributes_of.IN_PROGRESS] = True
        return max([start, *attributes_of.known_times(node.sent)])

    def _resource(self, node: _Node) -> ResourceRow:
        """Return the resource of the segment; a subsegment that was sent alone finds it above itself."""
        top, seen = node.top, set[str]()
        while top.get("type") == _SUBSEGMENT and (parent := text(top, "parent_id")) not in seen:
            seen.add(parent)
            above = self.nodes.get((node.trace, parent))
            if above is None:
                break
            top = above.top
        known = self._resources.get(id(top))
        if known is None:
            known = self._resources[id(top)] = attributes_of.resource(top)
        return known


def _linked(segment: JsonObject) -> Iterator[_Key]:
    for link in objects(segment, "links"):
        yield str(link.get("trace_id")), str(link.get("id"))


def _link(link: JsonObject) -> LinkRow:
    trace_hi, trace_lo = _trace_id(link.get("trace_id"))
    return LinkRow(
        linked_trace_hi=trace_hi,
        linked_trace_lo=trace_lo,
        linked_span_id=padded_id(link.get("id"), 16, "span id"),
        flags=0,
        dropped_attributes=0,
        trace_state=None,
        attributes=json_or_none(flattened(as_object(link.get("attributes"), "attributes"))),
    )


def _trace_id(sent: object) -> tuple[int, int]:
    """Return `1-58406520-a006649127e371903a2de979` or 32 hex digits as two halves."""
    if not isinstance(sent, str) or not sent:
        raise MalformedError("no trace id")
    found = _TRACE_ID.fullmatch(sent)
    digits = found[1] + found[2] if found else sent
    check_hex(digits, 32, "trace id")
    if not int(digits, 16):
        raise MalformedError("trace id of zeros")
    return divmod(int(digits, 16), 2**64)


FORMAT: Final = Format(_recognizes, _read, together=True)
