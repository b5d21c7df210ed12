"""Which spans published which messages, and which spans consumed them.

Parents, links and addresses are all evidence, and none hides another. What the spans of one message have in
common is that they are about one message, not their attributes: a library may set the offset on one span, and
the group on another.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from laban_collector.store.rows import Span
from laban_mapper.spans import SERVER, is_consuming, is_create, is_publishing, is_receiving, is_settling
from laban_mapper.story.evidence import Evidence, message_of

T = TypeVar("T")

_NEAR: Final = 8
"""How many levels above a span of a message another span of the same message is looked for."""


@dataclass(frozen=True, slots=True)
class Publication:
    """One published message.

    Attributes:
        span: the span that published the message.
        carriers: the spans that sent only this message on behalf of `span`; they may know what it does not.
        consumers: the spans that consumed the message.
    """

    span: Span
    carriers: tuple[Span, ...] = ()
    consumers: tuple[Span, ...] = ()

    @property
    def topic(self) -> str | None:
        """The topic; a publisher that does not know it may have a consumer that does."""
        return _first(span.topic for span in (self.span, *self.carriers, *self.consumers))

    @property
    def contract(self) -> tuple[str | None, str | None]:
        """The event type and the version, from the first span that says it."""
        spans = (self.span, *self.carriers, *self.consumers)
        kind = _first(span.message_type for span in spans)
        alike = (span for span in spans if span.message_type in (None, kind))
        return kind, _first(span.message_version for span in alike)

    def merged(self) -> Span:
        """The span, with what its carriers know about the message."""
        if not self.carriers and self.span.topic is not None:
            return self.span
        spans = (self.span, *self.carriers)
        _, partition, offset = _first(message_of(span) for span in spans) or (None, None, None)
        return replace(
            self.span,
            topic=self.topic,
            partition=self.span.partition if partition is None else partition,
            offset=self.span.offset if offset is None else offset,
            message_key=_first(span.message_key for span in spans),
            messaging_system=_first(span.messaging_system for span in spans),
        )


class Deliveries:
    """The messages among a set of spans.

    Args:
        spans: in an order that does not depend on their arrival.
        evidence: of the same spans.
    """

    def __init__(self, spans: Sequence[Span], evidence: Evidence) -> None:
        self._evidence = evidence
        publishing = [span for span in spans if is_publishing(span)]
        self._carried = _carried(publishing, evidence)
        self._carriers: dict[int, list[Span]] = {}
        for carrier in publishing if self._carried else ():
            message = self._message_of(carrier)
            if message is not carrier:
                self._carriers.setdefault(id(message), []).append(carrier)
        self._publishing = publishing
        self._publishers: dict[int, list[Span]] = {}
        self._consumers: dict[int, list[Span]] = {}
        if publishing:
            self._find_consumers(spans)

    def publications(self) -> list[Publication]:
        """The published messages. A span that only carried other publications is not a message itself."""
        return [
            Publication(
                span, tuple(self._carriers.get(id(span), ())), tuple(self._consumers.get(id(span), ()))
            )
            for span in self._publishing
            if id(span) not in self._carried or id(span) in self._consumers
        ]

    def publishers(self, span: Span) -> list[Span]:
        """The spans that published the messages that a span consumed."""
        return self._publishers.get(id(span), [])

    def received_by(self, span: Span) -> Span | None:
        """The nearest span of the same service above a span that received or processed messages."""
        return next((above for above in self._above(span) if is_consuming(above)), None)

    def of_others(self, spans: Sequence[Span]) -> list[Span]:
        """The process spans of a batch that are about messages of others.

        They link to traces that are not here, while the span above them, or another span below it, is about a
        message that is here.
        """
        batches: dict[int, tuple[Span, list[Span]]] = {}
        for span in spans if self._publishing else ():
            if is_consuming(span) and not is_receiving(span):
                above = next(self._above(span), None)
                if above is not None:
                    batches.setdefault(id(above), (above, []))[1].append(span)
        return [
            span
            for above, below in batches.values()
            if any(self.publishers(span) for span in (above, *below))
            for span in below
            if span.links and not self.publishers(span) and not self._evidence.has_any_trace_of(span.links)
        ]

    def _find_consumers(self, spans: Sequence[Span]) -> None:
        for span in spans:
            found = self._named_by(span)
            if found:
                self._publishers[id(span)] = found
        self._publishers |= self._inherited(spans)
        for span in spans:
            for publisher in self._publishers.get(id(span), ()):
                self._consumers.setdefault(id(publisher), []).append(span)

    def _named_by(self, span: Span) -> list[Span]:
        """The publishers that a span itself names, each once."""
        evidence = self._evidence
        parent = evidence.outer_half(span) or evidence.parent(span)
        linked = evidence.linked(span) if span.links else []
        if is_consuming(span):
            named = [parent, *linked, *evidence.publishers_at(message_of(span))]
        elif parent is not None:
            # A span of another service below a publisher, or a server, was called with the message (push).
            named = [parent] if _is_other_end(span, parent) else []
        else:
            named = [publisher for publisher in linked if _is_other_end(span, publisher)]
        publishers = [found for found in named if found is not None and is_publishing(found)]
        if not publishers and is_consuming(span):
            publishers = self._publisher_above(span)
        found = {id(message): message for message in map(self._message_of, publishers)}
        found.pop(id(span), None)
        return list(found.values())

    def _message_of(self, publisher: Span) -> Span:
        """The message that a publisher carried; the publisher itself if it carried none, or several."""
        for _ in range(_NEAR):
            carried = self._carried.get(id(publisher), ())
            if len(carried) != 1:
                break
            [publisher] = carried
        return publisher

    def _publisher_above(self, span: Span) -> list[Span]:
        """The publisher that a parent leads to through the spans of a broker."""
        above = span
        for _ in range(_NEAR):
            parent = self._evidence.parent(above)
            if parent is None or is_consuming(parent) or parent.service == span.service:
                return []
            if is_publishing(parent):
                return [parent] if span.topic in (None, parent.topic) or parent.topic is None else []
            above = parent
        return []

    def _inherited(self, spans: Sequence[Span]) -> dict[int, list[Span]]:
        """The publishers of process spans that name no message, from the receive span above.

        If several process spans share several messages, it is unknown which one processed which.
        """
        below: dict[int, list[Span]] = {}
        receives: dict[int, Span] = {}
        for span in spans:
            if is_consuming(span) and not is_receiving(span):
                receive = self.received_by(span)
                if receive is not None and is_receiving(receive) and id(receive) in self._publishers:
                    below.setdefault(id(receive), []).append(span)
                    receives[id(receive)] = receive
        inherited: dict[int, list[Span]] = {}
        for key, found in below.items():
            publishers = self._publishers[key]
            of_one = len(publishers) == 1 and len(receives[key].links) <= 1
            for span in found if of_one or len(found) == 1 else ():
                if (
                    not span.links
                    and id(span) not in self._publishers
                    and all(_may_be(span, each) for each in publishers)
                ):
                    inherited[id(span)] = publishers
        return inherited

    def _above(self, span: Span) -> Iterator[Span]:
        """The spans of the same service above a span, up to a message."""
        for _ in range(_NEAR):
            above = self._evidence.parent(span)
            if above is None or above is span or above.service != span.service or is_publishing(above):
                return
            yield above
            span = above


def _carried(publishing: Sequence[Span], evidence: Evidence) -> dict[int, list[Span]]:
    """The publications that a publishing span carried: the created messages that it sent, or inner sends.

    Some libraries have a `create` span for each message and a `send` span for the batch; others have a span
    of their own around the span of the client.
    """
    carried: dict[int, dict[int, Span]] = {}
    for span in publishing:
        for message, carrier in _pairs(span, evidence):
            carried.setdefault(id(carrier), {})[id(message)] = message
    return {carrier: list(messages.values()) for carrier, messages in carried.items()}


def _pairs(span: Span, evidence: Evidence) -> Iterator[tuple[Span, Span]]:
    """(message, carrier) for what a publishing span says: about its parent and about its links."""
    parent = evidence.parent(span)
    if parent is not None and parent is not span and is_publishing(parent) and _same_place(span, parent):
        if is_create(parent) and not is_create(span):
            yield (parent, span)
        else:
            yield (span, parent)
    if not is_create(span):
        for linked in evidence.linked(span):
            if is_create(linked) and _same_place(span, linked):
                yield (linked, span)


def _same_place(one: Span, other: Span) -> bool:
    """Whether two publishing spans may be about one message: same service, and no contradiction."""
    pairs = ((one.topic, other.topic), (one.partition, other.partition), (one.offset, other.offset))
    return one.service == other.service and all(None in pair or pair[0] == pair[1] for pair in pairs)


def _may_be(span: Span, publisher: Span) -> bool:
    """Whether a consumer span may be about the message of a publisher, by their addresses."""
    own, published = message_of(span), message_of(publisher)
    return None in (own, published) or own == published


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _is_other_end(span: Span, publisher: Span) -> bool:
    return (
        not is_settling(span)
        and is_publishing(publisher)
        and (span.kind == SERVER or span.service != publisher.service)
    )
