"""Which span caused which, by parents, links and messages; and the critical path through the causes."""

from collections.abc import Iterator, Sequence

from laban_collector.store.rows import Span
from laban_mapper.spans import CONSUMER, PRODUCER, SERVER

SpanKey = tuple[str, str, int]
"""(trace ID, span ID, kind): the client and the server half of a shared span differ only in kind."""


def key_of(span: Span) -> SpanKey:
    """The unique key of a span."""
    return (span.trace_id, span.span_id, span.kind)


class Causality:
    """The causes and effects among a set of spans.

    The cause of a span is its parent if the parent is in the set. Otherwise, the cause of a consumer span is
    the producer that it links to, or else the producer of the same message (topic, partition, offset).

    Attributes:
        spans: all spans by start, but each effect after its cause.
        roots: the spans without a cause in the set.
        depth: the number of causes above each span, by span key.
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
        """The cause of a span; None for a root."""
        return self._cause.get(key_of(span))

    def effects(self, span: Span) -> list[Span]:
        """The effects of a span, by start."""
        return self._effects.get(key_of(span), [])

    def ancestors(self, span: Span) -> Iterator[Span]:
        """The cause of a span, its cause, and so on up to a root."""
        above = self.cause(span)
        while above is not None:
            yield above
            above = self.cause(above)

    def below(self, span: Span, *, across_messages: bool = True) -> Iterator[Span]:
        """All direct and indirect effects, depth first; optionally not across consumed messages."""
        stack = list(reversed(self.effects(span)))
        while stack:
            effect = stack.pop()
            if effect.kind == CONSUMER and not across_messages:
                continue
            yield effect
            stack.extend(reversed(self.effects(effect)))

    def is_orphan(self, span: Span) -> bool:
        """Whether the span has a parent that is not in the set."""
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
        """Sort by start, but keep each effect after its cause, for the clocks of two machines differ."""
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


def critical_path(causality: Causality) -> set[SpanKey]:
    """The critical path: the spans that determined the total duration.

    It leads from the span that ends last up through its causes to a root. Inside each of these spans it leads
    from the end back through the synchronous calls that the span waited for, one after the other (Yang and
    Miller, "Critical path analysis for the execution of parallel and distributed programs", 1988).
    """
    if not causality.spans:
        return set()
    last = max(causality.spans, key=lambda span: span.end)
    trunk = [last, *causality.ancestors(last)]
    path = {key_of(span) for span in trunk}
    for span, onward in zip(trunk, [None, *trunk[:-1]], strict=True):
        until = span.end if onward is None or onward.kind != CONSUMER else min(span.end, onward.start)
        _walk_back(span, until, causality, path)
    return path


def message_of(span: Span) -> tuple[str, int, int] | None:
    """(topic, partition, offset) of the message of a span; None if the span does not name one message."""
    if span.topic is None or span.partition is None or span.offset is None:
        return None
    return (span.topic, span.partition, span.offset)


def _best_parent(span: Span, halves: Sequence[Span]) -> Span:
    """The half of a shared span that belongs to the service of its child."""
    return next((half for half in halves if half.service == span.service), halves[0])


def _walk_back(span: Span, until: int, causality: Causality, path: set[SpanKey]) -> None:
    stack = [(span, until)]
    while stack:
        above, moment = stack.pop()
        calls = [call for call in causality.effects(above) if call.kind != CONSUMER]
        for call in sorted(calls, key=lambda call: call.end, reverse=True):
            if call.end <= moment:
                path.add(key_of(call))
                stack.append((call, call.end))
                moment = call.start
