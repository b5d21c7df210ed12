"""Which span caused which, by parents, links and messages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.spans import CONSUMER, SERVER, is_consuming, is_publishing, is_receiving
from laban_mapper.story.clocks import Clocks
from laban_mapper.story.deliveries import Deliveries
from laban_mapper.story.evidence import Evidence

_NEAR: Final = 8
"""How many levels above a consumer span the start of its chain is looked for."""


class Causality:
    """The causes and effects among a set of spans: a tree for each root.

    Each span has at most one cause: the other half of a shared span, the publisher of its message, its
    parent, or a span that it links to. A receive span is caused by the message that a span below it
    processed. A ring of causes is cut at its earliest span, so every span is in exactly one tree.

    Attributes:
        spans: all spans by start, but each effect after its cause. Clocks that differ are corrected.
        roots: the spans without a cause in the set.
        rings: the rings that were cut, each with its earliest span first.
        messages: who published and who consumed which message.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        by_start = sorted(spans, key=_order)
        self._evidence = Evidence(by_start)
        self.messages = Deliveries(by_start, self._evidence)
        self._cause = self._find_causes(by_start)
        self.rings = _cut_rings(by_start, self._cause)
        self._delivered = {id(span) for span in by_start if self._has_come_by_message(span)}
        self._effects: dict[int, list[Span]] = {}
        for span in by_start:
            cause = self._cause.get(id(span))
            if cause is not None:
                self._effects.setdefault(id(cause), []).append(span)
        roots = [span for span in by_start if id(span) not in self._cause]
        self.clocks = Clocks(roots, self)
        self.roots = sorted(roots, key=self.start)
        self._depth: dict[int, int] = {}
        self._inside: dict[Callable[[Span], bool], dict[int, Span]] = {}
        self.spans = self._in_causal_order(by_start)

    def cause(self, span: Span) -> Span | None:
        """The cause of a span; None for a root."""
        return self._cause.get(id(span))

    def effects(self, span: Span) -> list[Span]:
        """The effects of a span, by start."""
        return self._effects.get(id(span), [])

    def depth(self, span: Span) -> int:
        """The number of causes above a span."""
        return self._depth[id(span)]

    def start(self, span: Span) -> int:
        """The start of a span in ns, by the clock of the first root."""
        return span.start + self.clocks.offset(span)

    def end(self, span: Span) -> int:
        """The end of a span in ns, by the clock of the first root."""
        return span.end + self.clocks.offset(span)

    def is_delivery(self, span: Span) -> bool:
        """Whether a message led to the span, instead of a call or the code of the same service."""
        return id(span) in self._delivered

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
            if not across_messages and self.is_delivery(effect):
                continue
            yield effect
            stack.extend(reversed(self.effects(effect)))

    def inside(self, wanted: Callable[[Span], bool]) -> Mapping[int, Span]:
        """By the id of a span, the first wanted span among its effects, not across consumed messages.

        It is computed once: a span that consumed a batch is asked about for each of its messages.
        """
        if wanted not in self._inside:
            found: dict[int, Span] = {}
            for span in filter(wanted, self.spans):
                below, above = span, self.cause(span)
                while above is not None and not self.is_delivery(below) and id(above) not in found:
                    found[id(above)] = span
                    below, above = above, self.cause(above)
            self._inside[wanted] = found
        return self._inside[wanted]

    def is_orphan(self, span: Span) -> bool:
        """Whether the span has a parent that is not in the set, and no other cause."""
        return span.parent_id is not None and self.cause(span) is None and self._evidence.parent(span) is None

    def _find_causes(self, by_start: Sequence[Span]) -> dict[int, Span]:
        causes: dict[int, Span] = {}
        for span in by_start:
            cause = self._evidence.outer_half(span) or self._evidence.parent(span)
            if cause is None and span.links:
                linked = self.messages.publishers(span) or self._evidence.linked(span)
                cause = linked[0] if linked else None
            if cause is not None:
                causes[id(span)] = cause
        for span in by_start:
            publishers = self.messages.publishers(span)
            if publishers and is_consuming(span):
                self._add_message(span, publishers, causes)
        return causes

    def _add_message(self, span: Span, publishers: Sequence[Span], causes: dict[int, Span]) -> None:
        """Join a consumer span with the publisher of its message, directly or at the start of its chain.

        A span of the same service above it may have received the message. It cannot have done so if it
        ended before the message was published; and unless it polled, it is a loop that handles many messages
        if it started before.
        """
        cause = causes.get(id(span))
        if cause is not None and is_publishing(cause):
            return
        receive = self.messages.received_by(span)
        if receive is not None and self.messages.publishers(receive):
            return
        first = span
        for _ in range(_NEAR):
            above = causes.get(id(first))
            if above is None or above is span or above.service != span.service or above.kind == SERVER:
                break
            first = above
        latest = first.end if is_receiving(first) else first.start
        if id(first) in causes or latest < publishers[0].start:
            first = span
        causes[id(first)] = publishers[0]

    def _has_come_by_message(self, span: Span) -> bool:
        cause = self.cause(span)
        if cause is None:
            return span.kind == CONSUMER
        if is_consuming(cause) and cause.service == span.service:
            return False
        if span.kind == CONSUMER or bool(self.messages.publishers(span)):
            return True
        return is_publishing(cause) and span.parent_id != cause.span_id and span.span_id != cause.span_id

    def _in_causal_order(self, by_start: Sequence[Span]) -> list[Span]:
        """Sort by start, but keep each effect after its cause, even if clocks differ in an unknown way."""
        not_before: dict[int, int] = {}
        stack = [(root, self.start(root), 0) for root in reversed(self.roots)]
        while stack:
            span, moment, level = stack.pop()
            not_before[id(span)] = moment
            self._depth[id(span)] = level
            stack += [(effect, max(moment, self.start(effect)), level + 1) for effect in self.effects(span)]
        return sorted(by_start, key=lambda span: (not_before[id(span)], self._depth[id(span)]))


def without_other_messages(
    causality: Causality, is_named: Callable[[Span], bool] = lambda _: False
) -> Causality:
    """Leave out what a consumer did for messages of other traces in a batch, unless a span of it is named."""
    left_out: set[int] = set()
    for top in causality.messages.of_others(causality.spans):
        spans = [top, *causality.below(top)]
        if not any(map(is_named, spans)):
            left_out.update(map(id, spans))
    if not left_out:
        return causality
    return Causality([span for span in causality.spans if id(span) not in left_out])


def _order(span: Span) -> tuple[int, int, int, str, str, str, str]:
    """A total order by start, so that the order of arrival decides nothing."""
    return (span.start, -span.duration, span.kind, span.service, span.name, span.trace_id, span.span_id)


def _cut_rings(by_start: Sequence[Span], causes: dict[int, Span]) -> list[list[Span]]:
    """Remove the cause of the earliest span of each ring, and return the rings."""
    rings = []
    finished: set[int] = set()
    for span in by_start:
        path: dict[int, Span] = {}
        above: Span | None = span
        while above is not None and id(above) not in finished and id(above) not in path:
            path[id(above)] = above
            above = causes.get(id(above))
        if above is not None and id(above) in path:
            walked = list(path.values())
            ring = walked[list(path).index(id(above)) :]
            earliest = min(ring, key=_order)
            del causes[id(earliest)]
            at = next(index for index, member in enumerate(ring) if member is earliest)
            rings.append(ring[at:] + ring[:at])
        finished.update(path)
    return rings
