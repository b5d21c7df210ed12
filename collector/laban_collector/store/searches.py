"""A search for traces by what their spans are: the question, and what is found.

Times are nanoseconds since the epoch, UTC; durations are nanoseconds.
"""

from dataclasses import dataclass
from typing import NamedTuple

from laban_collector.store.rows import TraceRef

TagValue = str | bool | int | float


class Tag(NamedTuple):
    """An attribute of a span, of its resource, of its scope or of one of its events.

    A text also stands for the number, the truth value or the list that is written like it; other values stand
    for themselves. The keys into which OpenTelemetry's exporters write fields (`error`, `span.kind`,
    `otel.status_code`, `otel.scope.name`, …) mean these fields, and `event` the name of an event.
    """

    key: str
    value: TagValue


@dataclass(frozen=True, slots=True)
class SpanSearch:
    """The spans that are looked for: all conditions hold for one span. Spans start in [since, until).

    Attributes:
        service: of the span: `order`, or `shop/order` with the namespace.
        operation: the name of the span.
        shortest: its least duration.
        longest: its greatest duration; None: any.
        tags: all of them.
    """

    since: int
    until: int
    service: str | None = None
    operation: str | None = None
    shortest: int = 0
    longest: int | None = None
    tags: tuple[Tag, ...] = ()


class FoundTraces(NamedTuple):
    """The traces of a search, newest first; the times are those of the spans that were found.

    Attributes:
        traces: one with at least one span that was looked for.
        searched_since: only spans from this time on were searched, because there were too many before; None:
            all were searched, or as many traces were found as were asked for.
    """

    traces: list[TraceRef]
    searched_since: int | None = None


class NamedOperation(NamedTuple):
    """The name and the kind of some spans of a service; the kind is OTLP's SpanKind."""

    name: str
    kind: int


class SpanOutline(NamedTuple):
    """What the summary of a trace needs of a span."""

    trace_id: str
    span_id: str
    parent_id: str | None
    service: str
    name: str
    start: int
    duration: int
    status: int
