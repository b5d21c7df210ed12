"""Datadog's spans as JSON: what tracers send to the agent, and answers of the API.

Tracers send lists of traces, each a list of spans, with decimal ids of 64 bits and times in ns. The upper
half of a trace id (`_dd.p.tid`) is on the first span of a trace only, so the spans of a chunk are read
together. The API to search spans answers with `data`, whose attributes have ISO times; the one for a single
trace has seconds.
Sources: the agent's `pkg/proto/datadog/trace/span.proto`; Datadog's API reference, "Spans"; the tags that its
tracers write.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from laban.vocabulary import ERROR_TYPE, EXCEPTION_EVENT, TAG_SPAN_KIND
from laban_collector.batch.attributes import Value
from laban_collector.decode.batch_builder import (
    EventRow,
    LinkRow,
    SentSpan,
    checked_time,
    json_or_none,
    scope_row,
)
from laban_collector.decode.json_documents import (
    UINT64,
    JsonObject,
    NotJsonError,
    WrongTypeError,
    as_object,
    check_hex,
    objects,
    padded_id,
    parse,
    text,
    whole_number,
)
from laban_collector.decode.results import MalformedError, Problems
from laban_collector.importing.formats import datadog_documents as documents_of
from laban_collector.importing.formats import datadog_tags as tags_of
from laban_collector.importing.formats.flattened import flattened
from laban_collector.importing.formats.format import Format
from laban_collector.importing.formats.otel_tags import ERROR

_FIELDS: Final = frozenset(
    (
        *("trace_id", "span_id", "parent_id", "service", "name", "resource", "start", "duration", "error"),
        *("meta", "metrics", "meta_struct", "type", "span_links", "span_events", "end"),
        # Of the API for one trace:
        *("children_ids", "hostname", "env", "host_groups", "host_id", "ingestion_reason", "resource_hash"),
    )
)
_UPPER_HALF: Final = "_dd.p.tid"
_LINKS: Final = "_dd.span_links"
_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_HEX_LETTER: Final = re.compile(r"[a-fA-F]")
_SECONDS: Final = 1e12
"""A smaller start is in seconds, a larger one in ns."""
_NS_PER_S: Final = 1_000_000_000
_US_PER_S: Final = 1_000_000
_NS_PER_US: Final = 1000
_SPAN: Final = "a span (Datadog)"


def _read(documents: Sequence[JsonObject], problems: Problems) -> Iterator[SentSpan]:
    spans = list(documents_of.all_spans(documents, problems))
    ids, callers = _Ids(spans), _Callers(spans)
    for span in spans:
        problems.count_unknown(span.keys() - _FIELDS, _SPAN)
        try:
            yield _span(span, ids, callers, problems)
        except (MalformedError, WrongTypeError) as reason:
            problems.reject(reason)


class _Ids:
    """Reads the ids of some spans, decimal or hex.

    A serverless forwarder writes all in hex: one letter in any shows it. A trace id of 32 digits is always
    hex.
    """

    def __init__(self, spans: Sequence[JsonObject]) -> None:
        short = (span.get(name) for span in spans for name in ("trace_id", "span_id", "parent_id"))
        self._is_hex = any(
            isinstance(one, str) and len(one) <= _SPAN_DIGITS and _HEX_LETTER.search(one) for one in short
        )
        self._upper: dict[int, int] = {}
        for span in spans:
            try:
                upper, lower = self._halves(span.get("trace_id"))
                upper = upper or _upper_half(span)
            except (MalformedError, WrongTypeError):
                continue  # counted when the span is read
            if upper:
                self._upper.setdefault(lower, upper)

    def trace_id(self, sent: object) -> tuple[int, int]:
        """Return both halves of a trace id; the upper one may be known from another span."""
        upper, lower = self._halves(sent)
        if not (upper or lower):
            raise MalformedError("trace id of zeros")
        return upper or self._upper.get(lower, 0), lower

    def span_id(self, sent: object, what: str) -> int:
        """Return the id of a span."""
        if sent is None:
            raise MalformedError(f"no {what}")
        if self._is_hex and isinstance(sent, str):
            return padded_id(sent, _SPAN_DIGITS, what)
        found = whole_number(sent, what, UINT64)
        if not found:
            raise MalformedError(f"{what} of zeros")
        return found

    def _halves(self, sent: object) -> tuple[int, int]:
        if isinstance(sent, str) and len(sent) == _TRACE_DIGITS:
            check_hex(sent, _TRACE_DIGITS, "trace id")
            return divmod(int(sent, 16), 2**64)
        return 0, self.span_id(sent, "trace id")


def _upper_half(span: JsonObject) -> int:
    found = as_object(span.get("meta"), "meta").get(_UPPER_HALF)
    if found is None:
        return 0
    if not isinstance(found, str):
        raise MalformedError(f"{_UPPER_HALF} that is not a string")
    check_hex(found, _SPAN_DIGITS, _UPPER_HALF)
    return int(found, 16)


class _Callers:
    """Finds the service that makes a call: that of the span above, since both are in one process.

    The service of a call is often a made name, such as `shop-postgres`.
    """

    def __init__(self, spans: Sequence[JsonObject]) -> None:
        self._spans = {(str(span.get("trace_id")), str(span.get("span_id"))): span for span in spans}

    def of(self, call: JsonObject) -> str | None:
        """Return the service; None if no well-formed span above is known."""
        try:
            return self._above_calls(call)
        except WrongTypeError:  # it is counted when the span above is read
            return None

    def _above_calls(self, call: JsonObject) -> str | None:
        seen = set[str]()
        above = self._above(call)
        while above is not None and tags_of.kind(above, tags_of.tags(above)) in tags_of.CALLS:
            if str(above.get("span_id")) in seen:
                return None
            seen.add(str(above.get("span_id")))
            above = self._above(above)
        return None if above is None else text(above, "service") or None

    def _above(self, span: JsonObject) -> JsonObject | None:
        return self._spans.get((str(span.get("trace_id")), str(span.get("parent_id"))))


def _is_none(sent: object) -> bool:
    """Whether an id says that there is none: null, 0 or zeros."""
    return not sent or (isinstance(sent, str) and not sent.strip("0"))


def _span(span: JsonObject, ids: _Ids, callers: _Callers, problems: Problems) -> SentSpan:
    meta: dict[str, Value] = tags_of.tags(span)
    kind = tags_of.kind(span, meta)
    start, duration = _times(span)
    failed = span.get("error") not in (None, 0, False)
    exception = tags_of.take_exception(meta)
    links = problems.well_formed(lambda link: _link(link, ids), _links(span, meta), "link")
    sent_events = objects(span, "span_events")
    events = problems.well_formed(_event, sent_events, "event")
    dropped = len(sent_events) - len(events)
    if exception and not any(event.name == EXCEPTION_EVENT for event in events):
        events.append(EventRow(start + duration, EXCEPTION_EVENT, 0, json_or_none(exception)))
    parent = span.get("parent_id")
    resource = tags_of.take_resource(span, meta, callers.of(span) if kind in tags_of.CALLS else None)
    meta.pop(TAG_SPAN_KIND, None)
    return SentSpan(
        trace_id=ids.trace_id(span.get("trace_id")),
        span_id=ids.span_id(span.get("span_id"), "span id"),
        parent_id=0 if _is_none(parent) else ids.span_id(parent, "parent span id"),
        start=start,
        end=checked_time(start + duration),
        kind=kind,
        status=ERROR if failed else 0,
        name=tags_of.name(span),
        resource=resource,
        scope=scope_row(str(meta.get("component", "")), "", {}),
        attributes=tags_of.attributes(span, meta, kind),
        events=events,
        links=links,
        dropped_events=dropped,
        status_message=tags_of.message(exception, meta.get(ERROR_TYPE)) if failed else None,
    )


def _times(span: JsonObject) -> tuple[int, int]:
    """Return start and duration in ns."""
    start, duration = _time(span, "start"), _time(span, "duration")
    if start < _SECONDS:
        return checked_time(round(start * _US_PER_S) * _NS_PER_US), round(duration * _NS_PER_S)
    return checked_time(int(start)), int(duration)


def _time(span: JsonObject, name: str) -> float:
    value = span.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**63:
        raise MalformedError(f"a {name} that is not a time in ns")
    return value


def _links(span: JsonObject, meta: dict[str, Value]) -> list[JsonObject]:
    """Return the links of a span: a field, or JSON in a tag."""
    written = meta.pop(_LINKS, None)
    if isinstance(written, str):
        try:
            return objects({_LINKS: parse(written.encode())}, _LINKS)
        except (NotJsonError, UnicodeEncodeError):
            raise WrongTypeError(f"{_LINKS} is not JSON") from None
    return objects(span, "span_links")


def _link(link: JsonObject, ids: _Ids) -> LinkRow:
    try:
        upper, lower = ids.trace_id(link.get("trace_id"))
        high = link.get("trace_id_high")
        span_id = link.get("span_id")
        # In the tag, ids are hex with all digits; in the field, numbers.
        is_text = isinstance(span_id, str)
        return LinkRow(
            linked_trace_hi=whole_number(high, "trace_id_high", UINT64) if high else upper,
            linked_trace_lo=lower,
            linked_span_id=padded_id(span_id, 16, "span id") if is_text else ids.span_id(span_id, "span id"),
            flags=0,
            dropped_attributes=0,
            trace_state=text(link, "tracestate") or None,
            attributes=json_or_none(flattened(as_object(link.get("attributes"), "attributes"))),
        )
    except WrongTypeError as reason:
        raise MalformedError(str(reason)) from None


def _event(event: Mapping[str, Any]) -> EventRow:
    try:
        return EventRow(
            time=checked_time(whole_number(event.get("time_unix_nano"), "time_unix_nano", UINT64)),
            name=text(event, "name"),
            dropped_attributes=0,
            attributes=json_or_none(flattened(as_object(event.get("attributes"), "attributes"))),
        )
    except WrongTypeError as reason:
        raise MalformedError(str(reason)) from None


FORMAT: Final = Format(documents_of.recognizes, _read, together=True)
