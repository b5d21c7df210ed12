"""Warnings about spans whose clocks differ from that of the first service of their trace."""

from collections.abc import Iterable, Mapping
from itertools import groupby

from laban_collector.store.rows import Span
from laban_mapper.spans import NS_PER_MS
from laban_mapper.story.causality import Causality
from laban_mapper.times import format_duration

SpanKey = tuple[str, str, str]
"""Trace, span and service: the two halves of a shared span have one ID."""
Warnings = Mapping[SpanKey, str]


def clock_warnings(spans: Iterable[Span]) -> Warnings:
    """Return a sentence for each span whose clock differs. Its times are told as sent, as Jaeger does."""
    found: dict[SpanKey, str] = {}
    for _, of_trace in groupby(sorted(spans, key=_trace), key=_trace):
        causality = Causality(list(of_trace))
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


def _trace(span: Span) -> str:
    return span.trace_id[16:]  # both forms of an ID are one trace
