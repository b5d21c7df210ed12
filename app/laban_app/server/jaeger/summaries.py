"""What traces are in short, as in Jaeger's `TraceSummary`."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from laban_collector.store.searches import SpanOutline

_ERROR = 2


class ServiceSummary(NamedTuple):
    """The spans of one service in a trace."""

    name: str
    spans: int
    errors: int


class Summary(NamedTuple):
    """One trace.

    Attributes:
        root: the earliest span without a parent; None: there is none.
        start: of the first span, ns since the epoch.
        end: of the last span.
        orphans: spans whose parent is not in the trace.
        services: by name.
    """

    trace_id: str
    root: SpanOutline | None
    start: int
    end: int
    spans: int
    errors: int
    orphans: int
    services: list[ServiceSummary]


def summaries_of(trace_ids: Iterable[str], outlines: Iterable[SpanOutline]) -> list[Summary]:
    """Return the summaries of traces, in the order of the IDs; none of a trace without spans."""
    by_trace: defaultdict[str, list[SpanOutline]] = defaultdict(list)
    for outline in outlines:
        by_trace[outline.trace_id].append(outline)
    return [_summary(by_trace[trace_id]) for trace_id in trace_ids if trace_id in by_trace]


def _summary(spans: Sequence[SpanOutline]) -> Summary:
    known = {span.span_id for span in spans}
    roots = [span for span in spans if span.parent_id is None]
    by_service: defaultdict[str, list[SpanOutline]] = defaultdict(list)
    for span in spans:
        by_service[span.service].append(span)
    return Summary(
        trace_id=spans[0].trace_id,
        root=min(roots, key=lambda span: (span.start, span.span_id), default=None),
        start=min(span.start for span in spans),
        end=max(span.start + span.duration for span in spans),
        spans=len(spans),
        errors=_errors(spans),
        orphans=sum(span.parent_id is not None and span.parent_id not in known for span in spans),
        services=[ServiceSummary(name, len(own), _errors(own)) for name, own in sorted(by_service.items())],
    )


def _errors(spans: Iterable[SpanOutline]) -> int:
    return sum(span.status == _ERROR for span in spans)
