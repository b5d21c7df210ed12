"""The critical paths: the sections of spans that the reply waited for, and those that the end waited for."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from laban_collector.store.rows import Span
from laban_mapper.spans import CONSUMER, is_consuming
from laban_mapper.story.causality import Causality
from laban_mapper.times import is_implausible

Sections = dict[int, list[tuple[int, int]]]
"""By the id of the object of a span on a path, when the path runs in the span's own time: begin and end of
each section in ns, by the corrected clock."""

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class CriticalPaths:
    """What two ends waited for.

    Attributes:
        to_reply: until the reply of the entry; together, the sections are as long as the entry. None if a
            message led to the entry, because nobody waits for a reply then.
        to_end: until everything was done; the time of messages in queues belongs to no span.
    """

    to_reply: Sections | None
    to_end: Sections


class _Section(NamedTuple):
    """A part of the time of a span, in ns by the corrected clock."""

    span: Span
    start: int
    end: int


def critical_paths(entry: Span, causality: Causality, now: int | None = None) -> CriticalPaths:
    """The critical paths of a story.

    Each path leads from an end back through the calls that were waited for, one after the other (Yang and
    Miller, "Critical path analysis for the execution of parallel and distributed programs", 1988). A call
    that ends after its caller is cut at the caller's end. A consumer is not on the path to the reply.

    Args:
        entry: the request whose reply is meant.
        causality: the spans.
        now: ns since the epoch. Spans with an impossible date then do not end last.
    """
    to_end = _within(_trunk(_last(entry, causality, now), causality), causality)
    if causality.is_delivery(entry) or is_consuming(entry):
        return CriticalPaths(None, to_end)
    reply = _Section(entry, causality.start(entry), causality.end(entry))
    return CriticalPaths(_within([reply], causality, without_consumers=True), to_end)


def _last(entry: Span, causality: Causality, now: int | None) -> Span:
    """The span that ends last; later requests that only read do not count, because they change nothing."""
    later = [root for root in causality.roots if root is not entry and root.http_method in _READING]
    left_out = {id(span) for root in later for span in (root, *causality.below(root))}
    spans: Sequence[Span] = [span for span in causality.spans if id(span) not in left_out]
    if now is not None:
        spans = [span for span in spans if not is_implausible(causality.start(span), now)] or spans
    return max(spans, key=causality.end)


def _trunk(last: Span, causality: Causality) -> list[_Section]:
    """A span and its causes up to a root, each until the next one begins."""
    end, sections = causality.end(last), []
    for span in (last, *causality.ancestors(last)):
        end = min(end, causality.end(span))
        start = min(end, causality.start(span))
        sections.append(_Section(span, start, end))
        end = start
    return sections


def _within(sections: list[_Section], causality: Causality, *, without_consumers: bool = False) -> Sections:
    """The own time of each span in some sections that do not overlap, and in the calls inside them."""
    path: Sections = {}
    given = {id(section.span) for section in sections}
    stack = list(sections)
    while stack:
        section = stack.pop()
        calls = [
            call
            for call in causality.effects(section.span)
            if id(call) not in given
            and not causality.is_delivery(call)
            and not (without_consumers and call.kind == CONSUMER)
        ]
        inside = list(_waited_for(section, calls, causality)) if calls else []
        path[id(section.span)] = list(_between(section, inside))
        stack += inside
    return path


def length(sections: Sequence[tuple[int, int]]) -> int:
    """How long some sections are together, in ns."""
    return sum(end - begin for begin, end in sections)


def _between(section: _Section, inside: Sequence[_Section]) -> Iterator[tuple[int, int]]:
    """What remains of a section without the calls inside it, which come from the last to the first."""
    begin = section.start
    for call in reversed(inside):
        if call.start > begin:
            yield begin, call.start
        begin = call.end
    if section.end > begin:
        yield begin, section.end


def _waited_for(section: _Section, calls: Iterable[Span], causality: Causality) -> Iterator[_Section]:
    """The calls that a section waited for, from its end back; of those at the same time, the last to end."""
    cut = [
        _Section(call, max(causality.start(call), section.start), min(causality.end(call), section.end))
        for call in calls
    ]
    moment = section.end
    for call in sorted(cut, key=lambda call: (-call.end, call.start)):
        if call.start <= call.end <= moment:
            yield call
            moment = call.start
