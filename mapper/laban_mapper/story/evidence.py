"""What spans say about each other: parents, halves of a shared span, links, and addresses of messages."""

from collections.abc import Iterable, Sequence
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.spans import CLIENT, CONSUMER, PRODUCER, SERVER, UNSPECIFIED, is_publishing

Address = tuple[str, int, int]
"""(topic, partition, offset) of a message."""

_OUTER: Final = frozenset({CLIENT, PRODUCER, UNSPECIFIED})
_INNER: Final = frozenset({SERVER, CONSUMER})
_NO_HIGH_HALF: Final = "0" * 16


class Evidence:
    """Finds the spans that a span names.

    A trace ID of 64 bits is the same as one of 128 bits if their low halves are equal, and only one such ID
    of 128 bits is among the spans.

    Args:
        spans: in an order that does not depend on their arrival.
    """

    def __init__(self, spans: Sequence[Span]) -> None:
        self._long_forms = _long_forms(span.trace_id for span in spans)
        self._traces = {self._trace(span.trace_id) for span in spans}
        self._by_id: dict[tuple[str, str], list[Span]] = {}
        self._by_address: dict[Address, list[Span]] = {}
        for span in spans:
            self._by_id.setdefault((self._trace(span.trace_id), span.span_id), []).append(span)
            address = message_of(span)
            if address is not None and is_publishing(span):
                self._by_address.setdefault(address, []).append(span)

    def parent(self, span: Span) -> Span | None:
        """The parent; of the halves of a shared span, the one of the child's service, or else the inner."""
        if span.parent_id is None:
            return None
        halves = self._by_id.get((self._trace(span.trace_id), span.parent_id))
        if not halves:
            return None
        if len(halves) == 1:
            return halves[0]
        others = [half for half in halves if half is not span]
        return max(others, key=lambda half: (half.service == span.service, half.kind in _INNER, half.start))

    def outer_half(self, span: Span) -> Span | None:
        """The half of a shared span that called or published, if `span` is the half that was called."""
        if span.kind not in _INNER:
            return None
        halves = self._by_id[(self._trace(span.trace_id), span.span_id)]
        if len(halves) == 1:
            return None
        outer = [half for half in halves if half.kind in _OUTER]
        return next((half for half in outer if half.service != span.service), outer[0] if outer else None)

    def linked(self, span: Span) -> list[Span]:
        """The spans that a span links to; of the halves of a shared span, the publishing one, if any."""
        found = []
        for trace_id, span_id in span.links:
            halves = [
                half for half in self._by_id.get((self._trace(trace_id), span_id), ()) if half is not span
            ]
            if halves:
                found.append(next((half for half in halves if is_publishing(half)), halves[0]))
        return found

    def has_any_trace_of(self, links: Iterable[tuple[str, str]]) -> bool:
        """Whether any link is to a trace with a span here, even if the linked span is not here."""
        return any(self._trace(trace_id) in self._traces for trace_id, _ in links)

    def publishers_at(self, address: Address | None) -> list[Span]:
        """The spans that published the message at an address."""
        return [] if address is None else self._by_address.get(address, [])

    def _trace(self, trace_id: str) -> str:
        return self._long_forms.get(trace_id, trace_id) if self._long_forms else trace_id


def message_of(span: Span) -> Address | None:
    """(topic, partition, offset) of the message of a span; None if the span does not name one message."""
    if span.topic is None or span.partition is None or span.offset is None:
        return None
    return (span.topic, span.partition, span.offset)


def _long_forms(trace_ids: Iterable[str]) -> dict[str, str]:
    """The 128-bit form of each 64-bit trace ID that has exactly one."""
    distinct = set(trace_ids)
    short = {trace_id[16:]: trace_id for trace_id in distinct if trace_id.startswith(_NO_HIGH_HALF)}
    if not short:
        return {}
    forms: dict[str, list[str]] = {}
    for trace_id in distinct - set(short.values()):
        forms.setdefault(trace_id[16:], []).append(trace_id)
    return {short[low]: found[0] for low, found in forms.items() if low in short and len(found) == 1}
