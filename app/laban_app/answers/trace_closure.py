"""What a story is told of: the spans that traces led to, and who answers where."""

from collections.abc import Sequence
from typing import Final

from laban_collector.store.base import MessageRef, Peer, Span, SpanReader
from laban_mapper.spans import CLIENT, CONSUMER, NS_PER_S, PRODUCER, SERVER, failed
from laban_mapper.story.root_cause import peer_of

MAX_TRACES: Final = 200
MAX_SPANS: Final = 20_000
_MAX_ROUNDS: Final = 8
_AROUND_A_CALL: Final = 3600 * NS_PER_S
"""How far from a call others are looked for that somebody answered, ns."""

Window = tuple[int, int]


def spans_led_to(reader: SpanReader, traces: Sequence[str], window: Window) -> list[Span]:
    """Everything that these traces led to: spans that link to theirs, and spans on their messages.

    Only forwards: a batch that a consumer took together with other orders must not pull those in.
    """
    known = dict.fromkeys(traces)
    spans: list[Span] = []
    new = list(known)
    for _ in range(_MAX_ROUNDS):
        room = MAX_SPANS - len(spans)
        if not new or room <= 0:
            break
        new += _linked(reader, new, known)
        spans += reader.spans_of(new, *window, room)
        reached = [trace for trace in _message_traces(reader, spans, window) if trace not in known]
        new = reached[: MAX_TRACES - len(known)]
        known.update(dict.fromkeys(new))
    return spans


def peers_of(reader: SpanReader, spans: Sequence[Span]) -> dict[Peer, str]:
    """Who answers where; asked only when a call failed and nobody on the other side tells of it.

    Not of databases, which tell their names themselves.
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
    begin = min(span.start for span in unanswered) - _AROUND_A_CALL
    end = max(span.end for span in unanswered) + _AROUND_A_CALL
    return reader.callees({peer_of(span) for span in unanswered}, begin, end)


def _linked(reader: SpanReader, traces: Sequence[str], known: dict[str, None]) -> list[str]:
    """Traces that link to these, and those that link to them, and so on; they are known from then on.

    Before any span is read, for to read spans costs more than to follow links, however few they are.
    """
    found: list[str] = []
    new = list(traces)
    for _ in range(_MAX_ROUNDS):
        reached = [trace for trace in reader.traces_linked_from(new) if trace not in known]
        new = reached[: MAX_TRACES - len(known)]
        if not new:
            break
        found += new
        known.update(dict.fromkeys(new))
    return found


def _message_traces(reader: SpanReader, spans: Sequence[Span], window: Window) -> list[str]:
    published = {
        MessageRef(span.topic, span.partition, span.offset)
        for span in spans
        if span.kind == PRODUCER
        and span.topic is not None
        and span.partition is not None
        and span.offset is not None
    }
    consumed = {(span.topic, span.partition, span.offset) for span in spans if span.kind == CONSUMER}
    open_ended = [ref for ref in published if (ref.topic, ref.partition, ref.offset) not in consumed]
    return reader.traces_of_messages(open_ended, *window) if open_ended else []
