"""One trace, whole: every span as it was sent. The shapes, and how rows become them.

Times are nanoseconds, because a trace is also read by programs: `start_ns` since the epoch, UTC.
"""

import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from laban.vocabulary import MESSAGING_DESTINATION_PARTITION_ID, PROMOTED
from laban_collector.store.rows import Attributes, ResourceRow, ScopeRow, WholeEvent, WholeLink, WholeSpan
from laban_mapper.model import Answer

Kind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
StatusName = Literal["unset", "ok", "error"]
AttributeValues = dict[str, Any]

_KINDS: Final[tuple[Kind, ...]] = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final[tuple[StatusName, ...]] = ("unset", "ok", "error")
_ERROR: Final = 2
_ORIGINS: Final = 256
"""Resources and scopes that are kept: many spans have the same one."""
_PROMOTED: Final = {promoted.column: promoted for promoted in PROMOTED}


class TraceEvent(Answer):
    """An event of a span."""

    time_ns: int
    name: str
    attributes: AttributeValues
    dropped_attributes: int


class TraceLink(Answer):
    """A link to a span, usually of another trace."""

    trace_id: str
    span_id: str
    trace_state: str | None
    flags: int
    attributes: AttributeValues
    dropped_attributes: int


class TraceResource(Answer):
    """Where a span comes from. `attributes` has all attributes, also the service and its namespace."""

    service: str
    namespace: str | None
    attributes: AttributeValues


class TraceScope(Answer):
    """The instrumentation scope of a span."""

    name: str
    version: str | None
    attributes: AttributeValues


class TraceSpan(Answer):
    """One span.

    `attributes` has every attribute as it was sent, and the current key of each convention that laban found
    in an older or another spelling.
    """

    trace_id: str
    span_id: str
    parent_id: str | None
    trace_state: str | None
    flags: int
    name: str
    kind: Kind
    start_ns: int
    duration_ns: int
    status: StatusName
    status_message: str | None
    attributes: AttributeValues
    dropped_attributes: int
    events: list[TraceEvent]
    dropped_events: int
    links: list[TraceLink]
    dropped_links: int
    resource: TraceResource
    scope: TraceScope


class TraceSummary(Answer):
    """What a trace is in short.

    Attributes:
        span_count: the number of spans in `spans`.
        truncated: whether the trace has more spans; `spans` has the first by start.
        start_ns: the first start.
        duration_ns: from the first start to the last end, by the clocks of the services.
        error_count: the number of spans with the status `error`.
        services: the services, sorted.
    """

    span_count: int
    truncated: bool
    start_ns: int
    duration_ns: int
    error_count: int
    services: list[str]


class Trace(TraceSummary):
    """The answer to "What is in this trace?": all spans by start, then the summary.

    `trace_id` is the ID that was asked for. Spans may have another form of it: some tracers cut an ID to 64
    bits.
    """

    trace_id: str
    spans: list[TraceSpan]


class Summing:
    """Sums up a trace while its spans pass.

    Args:
        limit: the most spans to pass; None: all.
    """

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._count = self._errors = self._end = 0
        self._start: int | None = None
        self._services: set[str] = set()
        self._truncated = False

    def spans(self, pages: Iterable[Sequence[WholeSpan]]) -> Iterator[list[TraceSpan]]:
        """Yield the spans of the pages, up to the limit."""
        for page in pages:
            room = len(page) if self._limit is None else self._limit - self._count
            self._truncated = self._truncated or room < len(page)
            if page[:room]:
                yield [self._add(row) for row in page[:room]]

    def summary(self) -> TraceSummary:
        """Return the summary of the spans that have passed."""
        start = self._start or 0
        return TraceSummary(
            span_count=self._count,
            truncated=self._truncated,
            start_ns=start,
            duration_ns=max(self._end - start, 0),
            error_count=self._errors,
            services=sorted(self._services),
        )

    def _add(self, row: WholeSpan) -> TraceSpan:
        self._count += 1
        self._start = row.start if self._start is None else min(row.start, self._start)
        self._end = max(row.start + row.duration, self._end)
        self._errors += row.status == _ERROR
        self._services.add(row.resource.service)
        return _span(row)


def trace_of(trace_id: str, pages: Iterable[Sequence[WholeSpan]], limit: int | None = None) -> Trace:
    """Build a trace from the pages of its spans, at most `limit`."""
    summing = Summing(limit)
    spans = [span for page in summing.spans(pages) for span in page]
    return Trace(trace_id=trace_id, spans=spans, **summing.summary().model_dump())


def json_of(trace_id: str, pages: Iterable[Sequence[WholeSpan]], limit: int | None = None) -> Iterator[bytes]:
    """Yield the JSON of `Trace` piece by piece, because a trace may have very many spans.

    The summary comes last: text that was cut off is no JSON.
    """
    summing = Summing(limit)
    before = f'{{"trace_id":{json.dumps(trace_id)},"spans":['
    for page in summing.spans(pages):
        yield (before + ",".join(span.model_dump_json() for span in page)).encode()
        before = ","
    head = before if before != "," else ""
    yield f"{head}],{summing.summary().model_dump_json().removeprefix('{')}".encode()


def _span(row: WholeSpan) -> TraceSpan:
    # The rows come from the store, so checking each field again would take longer than reading it.
    return TraceSpan.model_construct(
        trace_id=row.trace_id,
        span_id=row.span_id,
        parent_id=row.parent_id,
        trace_state=row.trace_state,
        flags=row.flags,
        name=row.name,
        kind=_KINDS[row.kind] if row.kind < len(_KINDS) else _KINDS[0],
        start_ns=row.start,
        duration_ns=row.duration,
        status=_STATUSES[row.status] if row.status < len(_STATUSES) else _STATUSES[0],
        status_message=row.status_message,
        attributes=_restored(row.attributes, row.promoted, row.kind),
        dropped_attributes=row.attributes.dropped,
        events=[_event(event) for event in row.events],
        dropped_events=row.dropped_events,
        links=[_link(link) for link in row.links],
        dropped_links=row.dropped_links,
        resource=_resource(row.resource),
        scope=_scope(row.scope),
    )


@functools.lru_cache(_ORIGINS)
def _resource(row: ResourceRow) -> TraceResource:
    return TraceResource.model_construct(
        service=row.service, namespace=row.namespace, attributes=json.loads(row.attributes)
    )


@functools.lru_cache(_ORIGINS)
def _scope(row: ScopeRow) -> TraceScope:
    return TraceScope.model_construct(
        name=row.name, version=row.version, attributes=json.loads(row.attributes)
    )


def _restored(attributes: Attributes, promoted: Mapping[str, str | int], kind: int) -> AttributeValues:
    """Return the attributes with those that have a column of their own, by key."""
    values: AttributeValues = json.loads(attributes.json)
    for column, value in promoted.items():
        key = _PROMOTED[column].keys_on(kind)[0]
        values.setdefault(key, str(value) if key == MESSAGING_DESTINATION_PARTITION_ID else value)
    return dict(sorted(values.items()))


def _event(event: WholeEvent) -> TraceEvent:
    return TraceEvent.model_construct(
        time_ns=event.time,
        name=event.name,
        attributes=json.loads(event.attributes.json),
        dropped_attributes=event.attributes.dropped,
    )


def _link(link: WholeLink) -> TraceLink:
    return TraceLink.model_construct(
        trace_id=link.trace_id,
        span_id=link.span_id,
        trace_state=link.trace_state,
        flags=link.flags,
        attributes=json.loads(link.attributes.json),
        dropped_attributes=link.attributes.dropped,
    )
