"""Builds the story of one business key value from its spans."""

from collections.abc import Mapping, Sequence

from laban_collector.store.rows import Peer, Span
from laban_mapper.model import Message, Step, Story
from laban_mapper.spans import (
    CONSUMER,
    KIND_NAMES,
    NS_PER_MS,
    SERVER,
    STATUS_NAMES,
    error_of,
    failed,
    operation_of,
)
from laban_mapper.story.causality import Causality, SpanKey, critical_path, key_of
from laban_mapper.story.messages import Consumption, messages_of, wait_of
from laban_mapper.story.root_cause import Failure, explain
from laban_mapper.story.verdict import outcome_of, verdict
from laban_mapper.times import utc_time


def build_story(
    key: str,
    value: str,
    spans: Sequence[Span],
    consumption: Consumption | None = None,
    peers: Mapping[Peer, str] | None = None,
    *,
    truncated: bool = False,
) -> Story:
    """Build the story of one business key value.

    Args:
        key: the business key, `order`.
        value: its value, `123`.
        spans: all spans of the story; at least one.
        consumption: the consumers of each topic, and how far they are.
        peers: the service at each address, for client spans without a server span.
        truncated: whether the story has more spans than these.
    """
    causality = Causality(spans)
    messages = messages_of(causality, consumption or Consumption())
    entry = _entry(causality)
    failure = _failure(entry, causality, messages, peers or {})
    first = min(span.start for span in spans)
    return Story(
        key=key,
        value=value,
        verdict=verdict(_title(key, value), entry, messages, failure),
        outcome=outcome_of(causality, messages, failure),
        root_cause=failure.cause if failure else None,
        traces=list(dict.fromkeys(span.trace_id for span in causality.spans)),
        spans=len(spans),
        started=utc_time(first),
        duration_ms=(max(span.end for span in spans) - first) / NS_PER_MS,
        steps=_steps(causality),
        messages=messages,
        truncated=truncated,
    )


def _title(key: str, value: str) -> str:
    name = key.removesuffix(".id").replace(".", " ").replace("_", " ")
    return f"{name[:1].upper()}{name[1:]} {value}"


def _entry(causality: Causality) -> Span:
    """The first request that changes something, or else the first root."""
    servers = [span for span in causality.roots if span.kind == SERVER]
    writing = [span for span in servers if span.http_method not in {"GET", "HEAD", "OPTIONS"}]
    return (writing or servers or causality.roots)[0]


def _failure(
    entry: Span, causality: Causality, messages: Sequence[Message], peers: Mapping[Peer, str]
) -> Failure | None:
    """The first final failure: of the entry, another request, or a consumer that gave up.

    A failed request that succeeded later (the same operation again) is not a failure.
    """
    requests = [entry, *(span for span in causality.roots if span.kind == SERVER and span is not entry)]
    for span in requests:
        if failed(span) and not _succeeded_later(span, requests):
            return explain(span, causality, peers)
    lost = {
        (message.topic, message.offset, state.group)
        for message in messages
        for state in message.groups
        if state.state in {"failed", "dead-lettered"}
    }
    for span in causality.spans:
        consumer = span.group or span.service
        if span.kind == CONSUMER and _unfinished(span, consumer, lost):
            return explain(span, causality, peers)
    return None


def _succeeded_later(span: Span, requests: Sequence[Span]) -> bool:
    return any(
        later.start >= span.end and not failed(later) and operation_of(later) == operation_of(span)
        for later in requests
    )


def _unfinished(span: Span, consumer: str, lost: set[tuple[str, int | None, str]]) -> bool:
    return any((topic, group) == (span.topic, consumer) for topic, _, group in lost)


def _steps(causality: Causality) -> list[Step]:
    critical = critical_path(causality)
    return [_step(span, causality, critical) for span in causality.spans]


def _step(span: Span, causality: Causality, critical: set[SpanKey]) -> Step:
    status = STATUS_NAMES.get(span.status, "unset")
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
        depth=causality.depth[key_of(span)],
        critical=key_of(span) in critical,
    )
