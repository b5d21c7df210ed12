"""Warnings about spans whose clocks differ from that of the first service of their trace."""

from collections.abc import Mapping
from typing import Any, Final

from laban.vocabulary import PROMOTED
from laban_collector.store.rows import Span, SpanEvent
from laban_mapper.spans import NS_PER_MS
from laban_mapper.story.causality import Causality
from laban_mapper.times import format_duration
from laban_mapper.trace import Trace, TraceSpan

SpanKey = tuple[str, str, str]
"""Trace, span and service: the two halves of a shared span have one ID."""
Warnings = Mapping[SpanKey, str]

_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")
_FIELDS: Final = {
    "messaging_destination": "topic",
    "messaging_group": "group",
    "messaging_partition": "partition",
    "messaging_offset": "offset",
    "messaging_key": "message_key",
    "messaging_batch_count": "batch_count",
}
"""The fields of `Span` that have another name than their column."""


def clock_warnings(trace: Trace) -> Warnings:
    """Return a sentence for each span whose clock differs. Its times are told as sent, as Jaeger does."""
    found: dict[SpanKey, str] = {}
    causality = Causality([_row(span) for span in trace.spans])
    clocks = causality.clocks
    for span in causality.spans:
        offset = clocks.offset(span)
        if offset:
            about = "at least" if clocks.is_guess(span) else "about"
            side = "behind" if offset > 0 else "ahead of"
            found[span.trace_id, span.span_id, span.service] = (
                f"clock skew: the clock of {span.service} is {about} "
                f"{format_duration(abs(offset) / NS_PER_MS)} {side} that of {clocks.reference}; "
                "this span's times are as sent"
            )
    return found


def _row(span: TraceSpan) -> Span:
    """Return the span as the mapper reads it."""
    kind = _KINDS.index(span.kind)
    promoted: dict[str, Any] = {}
    for column in PROMOTED:
        value = span.attributes.get(column.keys_on(kind)[0])
        if isinstance(value, str | int) and not isinstance(value, bool):
            text = column.type == "text"
            promoted[_FIELDS.get(column.column, column.column)] = str(value) if text else _integer(value)
    return Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        service=span.resource.service,
        namespace=span.resource.namespace,
        name=span.name,
        kind=kind,
        start=span.start_ns,
        duration=span.duration_ns,
        status=_STATUSES.index(span.status),
        status_message=span.status_message,
        attributes=span.attributes,
        events=tuple(SpanEvent(event.time_ns, event.name, event.attributes) for event in span.events),
        links=tuple((link.trace_id, link.span_id) for link in span.links),
        **promoted,
    )


def _integer(value: str | int) -> int | None:
    """Return a number; partitions are text. None if the sender's attribute is none."""
    try:
        return int(value)
    except ValueError:
        return None
