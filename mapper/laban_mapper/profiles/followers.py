"""Divides spans that were read together into those of each trace and of what follows from it."""

from collections.abc import Sequence

from laban_collector.store.rows import Span
from laban_mapper.spans import is_consuming, is_publishing

_Message = tuple[str, int, int]
"""Topic, partition, offset."""


class Followers:
    """Which traces follow from which, by links and by messages.

    Args:
        spans: of some traces, and of all that follow from them.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans: dict[str, list[Span]] = {}
        self._next: dict[str, set[str]] = {}
        published: dict[_Message, str] = {}
        consumed: list[tuple[_Message, str]] = []
        for span in spans:
            trace = _form(span.trace_id)
            self._spans.setdefault(trace, []).append(span)
            for linked, _ in span.links:
                if _form(linked) != trace:  # a link to a trace that is not here leads nowhere
                    self._next.setdefault(_form(linked), set()).add(trace)
            if span.topic is not None and span.partition is not None and span.offset is not None:
                message = (span.topic, span.partition, span.offset)
                if is_publishing(span):
                    published[message] = trace
                elif is_consuming(span):
                    consumed.append((message, trace))
        for message, trace in consumed:
            publisher = published.get(message, trace)
            if publisher != trace:
                self._next.setdefault(publisher, set()).add(trace)

        self._following = {
            trace for before, after in self._next.items() if before in self._spans for trace in after
        }

    def follows(self, trace_id: str) -> bool:
        """Whether the trace follows from another one of these."""
        return _form(trace_id) in self._following

    def spans(self, trace_id: str) -> list[Span]:
        """The spans of a trace, and of all traces that follow from it."""
        first = _form(trace_id)
        known, waiting = {first}, [first]
        found: list[Span] = []
        while waiting:
            trace = waiting.pop()
            found += self._spans.get(trace, ())
            new = self._next.get(trace, set()) - known
            known |= new
            waiting += sorted(new)
        return found


def _form(trace_id: str) -> str:
    """The low half of a trace id, which is common to its forms of 64 and of 128 bits."""
    return trace_id[16:]
