"""Whole traces for an answer, and what it left out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from laban_app.answers.protocol import TraceAnswers
from laban_app.errors import UnknownTrace
from laban_app.server.jaeger.clock_warnings import SpanKey, Warnings, clock_warnings
from laban_collector.store.base import SpanReader
from laban_collector.store.rows import WholeSpan
from laban_mapper.names import counted
from laban_mapper.trace import Trace, trace_of

MOST_SPANS: Final = 20_000
"""The most spans of an answer, as of a story: each takes about 10 KB while the answer is made."""
_AT_ONCE: Final = 50
"""Traces that are read together."""


class FoundSpans(NamedTuple):
    """Whole traces, and what was left out, in words."""

    traces: list[Trace]
    warnings: Warnings
    notes: list[str]


class WholeTraces:
    """Reads whole traces, up to a number of spans.

    Args:
        answers: of the collector.
        reader: of its store.
    """

    def __init__(self, answers: TraceAnswers, reader: SpanReader) -> None:
        self._answers = answers
        self._reader = reader

    def one(self, trace_id: str, *, raw: bool = False) -> FoundSpans:
        """Return one trace, with warnings unless `raw`.

        Raises:
            UnknownTrace: no span of it is stored.
        """
        found = self._answers.trace(trace_id, MOST_SPANS)
        notes = [_too_long(found)] if found.truncated else []
        return FoundSpans([found], {} if raw else clock_warnings(found), notes)

    def some(self, trace_ids: Sequence[str], *, raw: bool = False) -> tuple[FoundSpans, list[str]]:
        """Return some traces, and the IDs of those that are unknown."""
        found: list[Trace] = []
        notes: list[str] = []
        unknown: list[str] = []
        left = MOST_SPANS
        wanted = list(dict.fromkeys(trace_ids))
        for number, trace_id in enumerate(wanted):
            if left <= 0:
                notes.append(_left_out(len(wanted) - number))
                break
            try:
                one = self._answers.trace(trace_id, left)
            except UnknownTrace:
                unknown.append(trace_id)
                continue
            left -= one.span_count
            found.append(one)
            notes += [_too_long(one)] if one.truncated else []
        return FoundSpans(found, {} if raw else _warnings(found), notes), unknown

    def known(self, trace_ids: Sequence[str], *, raw: bool = False) -> FoundSpans:
        """Return traces that are stored, in this order; they are read together."""
        found, notes = self._read(trace_ids)
        return FoundSpans(found, {} if raw else _warnings(found), notes)

    def _read(self, trace_ids: Sequence[str]) -> tuple[list[Trace], list[str]]:
        found: list[Trace] = []
        notes: list[str] = []
        left = MOST_SPANS
        for begin in range(0, len(trace_ids), _AT_ONCE):
            some = trace_ids[begin : begin + _AT_ONCE]
            spans = _by_trace(self._reader.whole_traces(some, left + 1))
            if sum(map(len, spans.values())) > left:  # not all of them: those that come first, one by one
                spans = {}
            for trace_id in some:
                if left <= 0:
                    return found, [*notes, _left_out(len(trace_ids) - len(found))]
                known = spans.get(trace_id[16:])
                pages = [known] if known else self._reader.trace(trace_id, left + 1)
                one = trace_of(trace_id, pages, left)
                left -= one.span_count
                found.append(one)
                notes += [_too_long(one)] if one.truncated else []
        return found, notes


def _warnings(traces: Iterable[Trace]) -> Warnings:
    found: dict[SpanKey, str] = {}
    for trace in traces:
        found |= clock_warnings(trace)
    return found


def _by_trace(pages: Iterable[Sequence[WholeSpan]]) -> dict[str, list[WholeSpan]]:
    """Return the spans by the low half of their trace ID: the forms of an ID are one trace."""
    found: defaultdict[str, list[WholeSpan]] = defaultdict(list)
    for page in pages:
        for span in page:
            found[span.trace_id[16:]].append(span)
    return found


def _left_out(traces: int) -> str:
    return f"{counted(traces, 'further trace')} left out: an answer has at most {MOST_SPANS:,} spans"


def _too_long(trace: Trace) -> str:
    return f"trace {trace.trace_id} has more spans than these {trace.span_count:,}: the first by start"
