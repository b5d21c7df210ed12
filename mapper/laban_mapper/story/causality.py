"""Which span caused which: parents, then links, then the message itself."""

from collections.abc import Iterator, Sequence

from laban_collector.store.base import Span
from laban_mapper.spans import CONSUMER, PRODUCER, SERVER

SpanKey = tuple[str, str, int]
"""(trace id, span id, kind): the two halves of a shared span differ in kind alone."""


def key_of(span: Span) -> SpanKey:
    """What tells this span from all others."""
    return (span.trace_id, span.span_id, span.kind)


class Causality:
    """The forest of causes over a set of spans, in causal order.

    A span's cause is its parent where that is here; else, for a consumer, the producer that it links to;
    else the producer of the same message (topic, partition, offset).

    Attributes:
        spans: all spans, an effect never before its cause, otherwise by start.
        roots: the spans whose cause is not here.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        by_id: dict[tuple[str, str], list[Span]] = {}
        by_message: dict[tuple[str, int, int], Span] = {}
        for span in spans:
            by_id.setdefault((span.trace_id, span.span_id), []).append(span)
            address = message_of(span)
            if span.kind == PRODUCER and address is not None:
                by_message.setdefault(address, span)
        self._by_id = by_id
        self._by_message = by_message
        self._cause: dict[SpanKey, Span] = {}
        self._effects: dict[SpanKey, list[Span]] = {}
        by_start = sorted(spans, key=lambda span: (span.start, -span.duration, span.kind))
        for span in by_start:
            cause = self._find_cause(span)
            if cause is not None and not self._would_cycle(span, cause):
                self._cause[key_of(span)] = cause
                self._effects.setdefault(key_of(cause), []).append(span)
        self.roots = [span for span in by_start if key_of(span) not in self._cause]
        self.spans = self._in_causal_order(by_start)

    def cause(self, span: Span) -> Span | None:
        """What made this span happen."""
        return self._cause.get(key_of(span))

    def effects(self, span: Span) -> list[Span]:
        """What this span made happen, by start."""
        return self._effects.get(key_of(span), [])

    def ancestors(self, span: Span) -> Iterator[Span]:
        """The cause, its cause, and so on up to a root."""
        above = self.cause(span)
        while above is not None:
            yield above
            above = self.cause(above)

    def below(self, span: Span, *, across_messages: bool = True) -> Iterator[Span]:
        """All effects, depth first; without those that a message carried elsewhere, if so asked."""
        stack = list(reversed(self.effects(span)))
        while stack:
            effect = stack.pop()
            if effect.kind == CONSUMER and not across_messages:
                continue
            yield effect
            stack.extend(reversed(self.effects(effect)))

    def is_orphan(self, span: Span) -> bool:
        """Whether the span names a parent that is not here."""
        return span.parent_id is not None and self.cause(span) is None

    def _find_cause(self, span: Span) -> Span | None:
        if span.kind == SERVER:
            halves = self._by_id[(span.trace_id, span.span_id)]
            client = next((half for half in halves if half.kind not in {span.kind, CONSUMER}), None)
            if client is not None:
                return client
        if span.parent_id is not None:
            parents = self._by_id.get((span.trace_id, span.parent_id))
            if parents:
                return _best_parent(span, parents)
        if span.kind != CONSUMER:
            return None
        for linked in span.links:
            producers = [p for p in self._by_id.get(linked, ()) if p.kind == PRODUCER]
            if producers:
                return producers[0]
        address = message_of(span)
        return None if address is None else self._by_message.get(address)

    def _would_cycle(self, span: Span, cause: Span) -> bool:
        key = key_of(span)
        return key_of(cause) == key or any(key_of(above) == key for above in self.ancestors(cause))

    def _in_causal_order(self, by_start: Sequence[Span]) -> list[Span]:
        """By start, but clocks differ between machines: an effect waits for its cause."""
        not_before: dict[SpanKey, int] = {}
        depth: dict[SpanKey, int] = {}
        stack = [(root, root.start, 0) for root in reversed(self.roots)]
        while stack:
            span, moment, level = stack.pop()
            not_before[key_of(span)] = moment
            depth[key_of(span)] = level
            stack += [(effect, max(moment, effect.start), level + 1) for effect in self.effects(span)]
        self.depth = depth
        return sorted(by_start, key=lambda span: (not_before[key_of(span)], depth[key_of(span)]))


def message_of(span: Span) -> tuple[str, int, int] | None:
    """(topic, partition, offset) of the one message that this span is about, where it says so."""
    if span.topic is None or span.partition is None or span.offset is None:
        return None
    return (span.topic, span.partition, span.offset)


def _best_parent(span: Span, halves: Sequence[Span]) -> Span:
    """Of a shared span's halves, the one in the child's own service."""
    return next((half for half in halves if half.service == span.service), halves[0])
