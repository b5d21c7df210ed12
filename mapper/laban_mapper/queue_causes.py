"""Which slow or failing spans made a queue: what its consumers did with the newest messages."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from laban_collector.store.rows import Span
from laban_mapper.model import QueueCause
from laban_mapper.spans import CONSUMER, NS_PER_MS, PRODUCER, error_of, failed, operation_of
from laban_mapper.times import format_duration

_SHARE: Final = 0.3
"""The share of the time of its consumers that an operation must take to be named."""
_MOST: Final = 3
"""Causes of each kind."""
_FEWEST: Final = 3
"""Messages from which a share is known."""

Address = tuple[str, str]
Operation = tuple[str, str]
"""Service and operation."""


def queue_causes(spans: Iterable[Span], group: str, topic: str) -> list[QueueCause]:
    """What took the most time, and what failed, while a group processed messages of a topic.

    Args:
        spans: of the newest traces in which it did.
        group: the consumer group.
        topic: its topic.
    """
    known = list(spans)
    children: dict[Address, list[Span]] = defaultdict(list)
    for span in known:
        if span.parent_id is not None:
            children[span.trace_id, span.parent_id].append(span)
    consumers = [
        span
        for span in known
        if span.kind == CONSUMER
        and (span.group, span.topic) == (group, topic)
        and span.messaging_operation in (None, "process")
    ]
    below = [_work(span, children) for span in consumers]
    return [*_failing(below), *_slow(consumers, below, children)]


def _work(consumer: Span, children: Mapping[Address, Sequence[Span]]) -> list[Span]:
    """The span of a consumer and those below it, without the consumers of what it published."""
    found, new = [consumer], [consumer]
    seen = {(consumer.trace_id, consumer.span_id, consumer.kind)}
    while new:
        for span in children.get((new[-1].trace_id, new.pop().span_id), ()):
            address = (span.trace_id, span.span_id, span.kind)
            if span.kind != CONSUMER and address not in seen:
                seen.add(address)
                found.append(span)
                if span.kind != PRODUCER:
                    new.append(span)
    return found


def _slow(
    consumers: Sequence[Span], below: Sequence[Sequence[Span]], children: Mapping[Address, Sequence[Span]]
) -> list[QueueCause]:
    """The operations that took most of the time themselves, without that of the spans below them."""
    if len(consumers) < _FEWEST:
        return []
    total = sum(span.duration for span in consumers)
    times: dict[Operation, int] = defaultdict(int)
    counts: dict[Operation, int] = defaultdict(int)
    for work in below:
        own: dict[Operation, int] = defaultdict(int)
        for span in work:
            own[span.service, operation_of(span)] += _own_time(span, children)
        for operation, took in own.items():
            times[operation] += took
            counts[operation] += 1
    worst = sorted(times, key=lambda operation: (-times[operation], operation))[:_MOST]
    return [
        _slow_cause(operation, times[operation], total, counts[operation], len(consumers))
        for operation in worst
        if total and times[operation] >= _SHARE * total
    ]


def _slow_cause(operation: Operation, took: int, total: int, count: int, of: int) -> QueueCause:
    service, name = operation
    share = took / total
    each = took / count / NS_PER_MS
    return QueueCause(
        kind="slow",
        service=service,
        operation=name,
        messages=count,
        of=of,
        mean_ms=each,
        share=min(share, 1.0),
        sentence=f"{service} {name} took {format_duration(each)} per message, {min(share, 1.0):.0%} of "
        f"the time, in {count} of the {of} newest messages",
    )


def _failing(below: Sequence[Sequence[Span]]) -> list[QueueCause]:
    """The deepest errors below the consumers, by place and text."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for work in below:
        failing = [span for span in work if failed(span)]
        parents = {(span.trace_id, span.parent_id) for span in failing}
        deepest = [span for span in failing if (span.trace_id, span.span_id) not in parents]
        for place in {(span.service, operation_of(span), error_of(span) or "error") for span in deepest}:
            counts[place] += 1
    worst = sorted(counts, key=lambda place: (-counts[place], place))[:_MOST]
    return [
        QueueCause(
            kind="failing",
            service=service,
            operation=operation,
            error=error,
            messages=counts[service, operation, error],
            of=len(below),
            sentence=f"{service} {operation} failed ({error}) "
            f"in {counts[service, operation, error]} of the {len(below)} newest messages",
        )
        for service, operation, error in worst
    ]


def _own_time(span: Span, children: Mapping[Address, Sequence[Span]]) -> int:
    """The time of a span, ns, without the parts in which one of its children ran."""
    covered, reached = 0, span.start
    for begin, end in sorted(
        (max(child.start, span.start), min(child.end, span.end))
        for child in children.get((span.trace_id, span.span_id), ())
        if child.kind != CONSUMER
    ):
        covered += max(end - max(begin, reached), 0)
        reached = max(reached, end)
    return max(span.duration - covered, 0)
