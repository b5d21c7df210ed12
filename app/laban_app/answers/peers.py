"""The services behind the addresses of calls that nobody answered."""

from collections.abc import Sequence
from typing import Final

from laban_collector.store.base import SpanReader
from laban_collector.store.rows import Peer, Span
from laban_mapper.spans import CLIENT, NS_PER_S, SERVER, failed
from laban_mapper.story.causes.callees import peer_of
from laban_mapper.times import storable

_MARGIN: Final = 3600 * NS_PER_S
"""How long before and after a failed call other calls to the same address are read, in ns."""


def peers_of(reader: SpanReader, spans: Sequence[Span]) -> dict[Peer, str]:
    """The service at each address that a failed call without a server span went to.

    Leaves out calls to databases, whose spans name the database.
    """
    answered = {(span.trace_id, span.parent_id) for span in spans if span.kind == SERVER}
    unanswered = [
        span
        for span in spans
        if span.kind == CLIENT
        and span.db_system is None
        and failed(span)
        and (span.peer_address or span.rpc_service)
        and (span.trace_id, span.span_id) not in answered
    ]
    if not unanswered:
        return {}
    begin = storable(min(span.start for span in unanswered) - _MARGIN)
    end = storable(max(span.end for span in unanswered) + _MARGIN)
    peers = {peer_of(span) for span in unanswered}
    peers |= {Peer(None, None, peer.rpc_service) for peer in peers if peer.rpc_service}  # it may have moved
    return reader.callees(peers, begin, end)
