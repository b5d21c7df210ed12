"""Builds the story of one business key value from its spans."""

from collections.abc import Mapping, Sequence

from laban_collector.store.rows import Peer, Span
from laban_mapper.model import Step, Story
from laban_mapper.names import shortened, with_namespaces
from laban_mapper.spans import (
    KIND_NAMES,
    NS_PER_MS,
    SERVER,
    STATUS_NAMES,
    error_of,
    failed,
    is_receiving,
    operation_of,
)
from laban_mapper.story.causality import Causality
from laban_mapper.story.connection_chatter import is_connection_chatter
from laban_mapper.story.critical_path import CriticalPaths, critical_paths
from laban_mapper.story.messages import Consumption, Published, messages_of, wait_of
from laban_mapper.story.notes import clock_skew, notes_of
from laban_mapper.story.root_cause import Failure, explain
from laban_mapper.story.verdict import outcome_of, verdict
from laban_mapper.times import is_implausible, utc_time


def build_story(
    key: str,
    value: str,
    spans: Sequence[Span],
    consumption: Consumption | None = None,
    peers: Mapping[Peer, str] | None = None,
    *,
    truncated: bool = False,
    now: int | None = None,
) -> Story:
    """Build the story of one business key value.

    Args:
        key: the business key, `order`.
        value: its value, `123`.
        spans: all spans of the story; at least one.
        consumption: the consumers of each topic, and how far they are.
        peers: the service at each address, for client spans without a server span.
        truncated: whether the story has more spans than these.
        now: ns since the epoch. Spans with an impossible date then are marked, and do not count in how long
            the story took.
    """
    causality = _without_other_messages(Causality(with_namespaces(spans)), value)
    messages = messages_of(causality, consumption or Consumption())
    entry = _entry(causality)
    failure = _failure(entry, causality, messages, peers or {})
    first, last = _extent(causality, now)
    return Story(
        key=key,
        value=value,
        verdict=verdict(_title(key, value), entry, causality, messages, failure),
        outcome=outcome_of(causality, messages, failure),
        root_cause=failure.cause if failure else None,
        traces=list(dict.fromkeys(span.trace_id for span in causality.spans)),
        spans=len(causality.spans),
        started=utc_time(first),
        duration_ms=(last - first) / NS_PER_MS,
        steps=_steps(entry, causality, first, now),
        messages=[published.message for published in messages],
        truncated=truncated,
        notes=notes_of(causality, left_out=len(spans) - len(causality.spans), truncated=truncated),
        clock_skew_ms=clock_skew(causality.clocks),
    )


def _without_other_messages(causality: Causality, value: str) -> Causality:
    """Leave out what a consumer did for other messages of a batch, unless it names the value."""
    left_out: set[int] = set()
    for top in causality.messages.of_others(causality.spans):
        spans = [top, *causality.below(top)]
        if not any(_names(span, value) for span in spans):
            left_out.update(map(id, spans))
    if not left_out:
        return causality
    return Causality([span for span in causality.spans if id(span) not in left_out])


def _names(span: Span, value: str) -> bool:
    return span.message_key == value or any(str(found) == value for found in span.attributes.values())


def _extent(causality: Causality, now: int | None) -> tuple[int, int]:
    """The first start and the last end.

    A consumer may poll long before there is a message, which is not part of the story.
    """
    spans = causality.spans
    if now is not None:
        spans = [span for span in spans if not is_implausible(causality.start(span), now)] or spans
    begun = [span for span in spans if not is_receiving(span)] or spans
    return min(map(causality.start, begun)), max(map(causality.end, spans))


def _title(key: str, value: str) -> str:
    name = key.removesuffix(".id").replace(".", " ").replace("_", " ")
    return shortened(f"{name[:1].upper()}{name[1:]} {value}")


def _entry(causality: Causality) -> Span:
    """The first request that changes something, or else the first root; if it was retried, the success."""
    servers = [span for span in causality.roots if span.kind == SERVER]
    writing = [span for span in servers if span.http_method not in {"GET", "HEAD", "OPTIONS"}]
    first = (writing or servers or causality.roots)[0]
    return (_success_after(first, servers, causality) if failed(first) else None) or first


def _failure(
    entry: Span, causality: Causality, messages: Sequence[Published], peers: Mapping[Peer, str]
) -> Failure | None:
    """The first final failure: of the entry, another request, or a consumer that gave up.

    A failed request that succeeded later (the same operation again) is not a failure.
    """
    requests = [entry, *(span for span in causality.roots if span.kind == SERVER and span is not entry)]
    for span in requests:
        if failed(span) and _success_after(span, requests, causality) is None:
            return explain(span, causality, peers)
    lost = [
        delivery.attempts[-1]
        for published in messages
        for delivery in published.deliveries
        if delivery.state.state in {"failed", "dead-lettered"}
    ]
    return explain(min(lost, key=causality.start), causality, peers) if lost else None


def _success_after(span: Span, requests: Sequence[Span], causality: Causality) -> Span | None:
    operation, end = operation_of(span), causality.end(span)
    for later in requests:
        if causality.start(later) >= end and not failed(later) and operation_of(later) == operation:
            return later
    return None


def _steps(entry: Span, causality: Causality, first: int, now: int | None) -> list[Step]:
    paths = critical_paths(entry, causality, now)
    index = {id(span): number for number, span in enumerate(causality.spans)}
    return [_step(span, causality, first, index, now, paths) for span in causality.spans]


def _step(
    span: Span,
    causality: Causality,
    first: int,
    index: Mapping[int, int],
    now: int | None,
    paths: CriticalPaths,
) -> Step:
    status = STATUS_NAMES.get(span.status, "unset")
    cause = causality.cause(span)
    return Step(
        time=utc_time(span.start),
        service=span.service,
        operation=operation_of(span),
        kind=KIND_NAMES.get(span.kind, "unspecified"),
        duration_ms=span.duration / NS_PER_MS,
        wait_ms=wait_of(span, causality),
        status="error" if failed(span) else "ok" if status == "ok" else "unset",
        error=error_of(span),
        topic=span.topic,
        group=span.group,
        partition=span.partition,
        offset=span.offset,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        depth=causality.depth(span),
        critical=id(span) in paths.to_end,
        critical_ms=None if paths.to_reply is None else paths.to_reply.get(id(span), 0) / NS_PER_MS,
        critical_to_end_ms=paths.to_end.get(id(span), 0) / NS_PER_MS,
        odd_time=now is not None and is_implausible(span.start, now),
        start_ms=max(0.0, (causality.start(span) - first) / NS_PER_MS),
        cause=None if cause is None else index[id(cause)],
        by_message=causality.is_delivery(span),
        namespace=span.namespace,
        chatter=is_connection_chatter(span),
    )
