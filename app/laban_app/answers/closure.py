"""Follows traces forward: reads their spans, and those of all traces that follow from them."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from laban_collector.store.base import ClosureReader
from laban_collector.store.rows import MessageRef, Span, TraceRef
from laban_mapper.spans import NS_PER_S, is_consuming, is_publishing
from laban_mapper.times import storable

_MAX_ROUNDS: Final = 8
_MARGIN: Final = 24 * 3600 * NS_PER_S
"""How long before its first and after its last correlated span a story is followed, in ns."""

Window = tuple[int, int]
"""A half-open time range in ns since the epoch."""
Groups = dict[str, dict[str, str]]
"""Topic → consumer group → service."""


class Limits(NamedTuple):
    """What is read at most."""

    traces: int = 200
    spans: int = 20_000


STORY: Final = Limits()
"""The limits of a story."""


class Closure(NamedTuple):
    """Spans of some traces and of what follows from them.

    Attributes:
        spans: all of them.
        complete: whether no limit was reached.
    """

    spans: list[Span]
    complete: bool


def closure(
    reader: ClosureReader, traces: Sequence[str], window: Window, groups: Groups, limits: Limits = STORY
) -> Closure:
    """The spans of these traces and of all traces that follow from them by a link or a message.

    Follows effects only: a batch that holds messages of several orders must not pull in the other orders. The
    store returns the other form of a 64-bit or 128-bit trace ID with it; links to that form are followed too.
    """
    known = dict.fromkeys(traces)
    spans: list[Span] = []
    new = list(known)
    complete = True
    for _ in range(_MAX_ROUNDS):
        remaining = limits.spans - len(spans)
        if not new or remaining <= 0:
            break
        new += _linked(reader, new, known, limits)
        found = reader.spans_of(new, *window, remaining)
        spans += found
        forms = {span.trace_id: None for span in found if span.trace_id not in known}
        known.update(forms)
        reached = _linked(reader, list(forms), known, limits) if forms else []
        consumed = _traces_of_messages(reader, spans, window, groups)
        reached += [trace for trace in consumed if trace not in known]
        new = reached[: max(limits.traces - len(known), 0)]
        complete = complete and len(new) == len(reached) and len(known) < limits.traces
        known.update(dict.fromkeys(new))
    return Closure(spans, complete and not new and len(spans) < limits.spans)


def groups_of(reader: ClosureReader, topics: Iterable[str], known: Groups) -> Groups:
    """The groups that read these topics and others, asked once for each topic."""
    new = sorted(topic for topic in set(topics) if topic not in known)
    if new:
        known.update({topic: {} for topic in new} | reader.groups_of(new))
    return known


def story_window(found: Sequence[TraceRef], since: int | None = None, until: int | None = None) -> Window:
    """The time in which stories of these traces are followed; the given ends hold instead, ns."""
    begin = min((ref.first for ref in found), default=0) - _MARGIN
    end = max((ref.last for ref in found), default=0) + _MARGIN
    return storable(begin if since is None else since), storable(end if until is None else until)


def _linked(
    reader: ClosureReader, traces: Sequence[str], known: dict[str, None], limits: Limits
) -> list[str]:
    """The unknown traces that link to these, directly or indirectly; adds them to `known`.

    Runs before any span is read, because reading spans costs more than following links.
    """
    found: list[str] = []
    new = list(traces)
    for _ in range(_MAX_ROUNDS):
        reached = [trace for trace in reader.traces_linked_from(new) if trace not in known]
        new = reached[: max(limits.traces - len(known), 0)]
        if not new:
            break
        found += new
        known.update(dict.fromkeys(new))
    return found


def _traces_of_messages(
    reader: ClosureReader, spans: Sequence[Span], window: Window, groups: Groups
) -> list[str]:
    """The traces with a span on a message of these spans, unless all groups of its topic have one here."""
    consumers = _consumers_of_messages(spans)
    if not consumers:
        return []
    readers = groups_of(reader, {ref.topic for ref in consumers}, groups)
    asked = [
        ref
        for ref, seen in consumers.items()
        if not seen or None in seen or readers.get(ref.topic, {}).keys() - seen
    ]
    return reader.traces_of_messages(asked, *window) if asked else []


def _consumers_of_messages(spans: Sequence[Span]) -> dict[MessageRef, set[str | None]]:
    """The groups that consumed each published message; None for a consumer whose group is unknown."""
    published = {
        (span.trace_id, span.span_id): ref
        for span in spans
        if is_publishing(span) and (ref := message_of(span)) is not None
    }
    consumers: dict[MessageRef, set[str | None]] = {ref: set() for ref in published.values()}
    for span in spans if consumers else ():
        if is_consuming(span):
            named = [(span.trace_id, span.parent_id or ""), *span.links]
            for ref in {message_of(span), *map(published.get, named)}:
                if ref in consumers:
                    consumers[ref].add(span.group)
    return consumers


def message_of(span: Span) -> MessageRef | None:
    """The address of the message of a span; None if the span does not name one message."""
    if span.topic is None or span.partition is None or span.offset is None:
        return None
    return MessageRef(span.topic, span.partition, span.offset)
