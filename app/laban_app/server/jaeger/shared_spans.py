"""IDs for the server's half of a shared span: in Zipkin's B3, client and server send one span ID.

Jaeger's clients need unique IDs. As in Jaeger, the server's half gets an ID of its own and becomes a child of
the client's half, and the spans below it in the same service become its children.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from laban_mapper.trace import TraceSpan

_IDS: Final = 1 << 64

SecondIds = Mapping[tuple[str, str], str]
"""The new IDs of halves, by shared ID and service of the server."""


class SpanIds(NamedTuple):
    """The IDs with which a span is shown."""

    span_id: str
    parent_id: str | None


def second_ids(spans: Sequence[TraceSpan]) -> SecondIds:
    """Return new IDs for the servers' halves of the shared spans of a trace."""
    taken = {span.span_id for span in spans}
    if len(taken) == len(spans):
        return {}
    clients = {span.span_id for span in spans if span.kind == "client"}
    found: dict[tuple[str, str], str] = {}
    for span in spans:
        half = (span.span_id, span.resource.service)
        if span.kind == "server" and span.span_id in clients and half not in found:
            new = span.span_id
            while new in taken:
                new = f"{(int(new, 16) + 1) % _IDS:016x}"
            taken.add(new)
            found[half] = new
    return found


def shown_ids(span: TraceSpan, second: SecondIds) -> SpanIds:
    """Return the IDs with which a span is shown."""
    service = span.resource.service
    if span.kind == "server" and (span.span_id, service) in second:
        return SpanIds(second[span.span_id, service], span.span_id)
    above = span.parent_id
    return SpanIds(span.span_id, above if above is None else second.get((above, service), above))
