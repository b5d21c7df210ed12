"""Lag with names: which messages wait in the unread range of a group, since when, and how fast it drains."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from laban.vocabulary import KAFKA_KEY_CORRELATION
from laban_collector.store.rows import EdgeRow, Lag, LagRate, Unread, UnreadMessage, UnreadRange
from laban_mapper.lag import SEVERITY, recent, status_of
from laban_mapper.model import BusinessKey, GroupLag, LagReport, QueueCause, WaitingMessage, WaitingTopic
from laban_mapper.spans import NS_PER_MS
from laban_mapper.times import utc_time

MAX_RANGES: Final = 50
"""Partitions whose messages are named: the worst ones."""
MAX_MESSAGES: Final = 100
"""Messages named in each partition, and in each topic of a group: the oldest ones."""
MAX_KEYS: Final = 50
"""Business keys read of each trace."""
_MAX_NAMES: Final = 5
"""Business keys shown of each message."""
MAX_CAUSES: Final = 10
"""Topics of groups whose consumers are examined: the worst ones."""

_DRAINS: Final = 1.02
"""Messages consumed for each one that comes, from which a queue is said to drain: less may be chance."""

Queue = tuple[str, str, str]
"""Cluster, group and topic."""
TraceKeys = Mapping[str, Sequence[tuple[str, str]]]
"""Business keys and values by trace id."""


class Evidence(NamedTuple):
    """What was read for the report.

    Attributes:
        unread: what spans tell of unread ranges.
        keys: of the traces of unread messages.
        rates: how fast messages come and are consumed.
        causes: what the consumers of a queue have been doing.
        edges: of the recent graph; they tell which topics are published to.
    """

    unread: Mapping[UnreadRange, Unread]
    keys: TraceKeys
    rates: Sequence[LagRate]
    causes: Mapping[Queue, Sequence[QueueCause]]
    edges: Sequence[EdgeRow]


def unread_ranges(rows: Sequence[Lag]) -> dict[UnreadRange, Lag]:
    """The unread ranges of the worst partitions. Topics that several clusters have are left out: spans do not
    name their cluster."""
    clusters: dict[str, set[str]] = {}
    for row in rows:
        clusters.setdefault(row.topic, set()).add(row.cluster)
    lagging = [row for row in recent(rows) if _first(row) < row.end and len(clusters[row.topic]) == 1]
    worst = sorted(lagging, key=lambda row: (-SEVERITY[status_of(row)], -(row.messages or 0)))[:MAX_RANGES]
    return {UnreadRange(row.group, row.topic, row.partition, _first(row), row.end): row for row in worst}


def lagging_queues(rows: Sequence[Lag]) -> list[Queue]:
    """The queues with the worst lag, the worst first."""
    worst: dict[Queue, tuple[int, int]] = {}
    for row in recent(rows):
        if row.messages:
            queue = (row.cluster, row.group, row.topic)
            severity, messages = worst.get(queue, (0, 0))
            worst[queue] = (max(severity, SEVERITY[status_of(row)]), messages + row.messages)
    return sorted(worst, key=lambda queue: (-worst[queue][0], -worst[queue][1], queue))[:MAX_CAUSES]


def with_waiting(report: LagReport, rows: Sequence[Lag], evidence: Evidence) -> LagReport:
    """The lag report with the waiting messages, and with groups and topics that nobody reads."""
    by_queue: dict[Queue, list[Lag]] = {}
    for row in recent(rows):
        by_queue.setdefault((row.cluster, row.group, row.topic), []).append(row)
    rates = {(rate.cluster, rate.group, rate.topic): rate for rate in evidence.rates}
    groups = [_with_topics(group, by_queue, rates, evidence) for group in report.groups]
    return report.model_copy(
        update={
            "groups": groups,
            "groups_without_members": sorted({group.group for group in groups if group.members == 0}),
            "topics_without_groups": _topics_without_groups(rows, evidence.edges),
        }
    )


def _with_topics(
    group: GroupLag,
    by_queue: Mapping[Queue, list[Lag]],
    rates: Mapping[Queue, LagRate],
    evidence: Evidence,
) -> GroupLag:
    waiting = [
        _topic(rows, rates.get(queue), evidence)
        for queue, rows in sorted(by_queue.items())
        if queue[:2] == (group.cluster, group.group)
    ]
    return group.model_copy(update={"waiting": waiting})


def _topic(rows: Sequence[Lag], rate: LagRate | None, evidence: Evidence) -> WaitingTopic:
    first = rows[0]
    messages = sum(row.end - _first(row) for row in rows)
    found = {row: evidence.unread.get(_range(row)) for row in rows}
    named = [
        _message(row, message, evidence.keys)
        for row, unread in found.items()
        if unread is not None
        for message in unread.messages
    ]
    named.sort(key=lambda message: (message.published, message.partition, message.offset))
    read = [unread for unread in found.values() if unread is not None]
    known, processed = sum(one.known for one in read), sum(one.processed for one in read)
    shown = named[:MAX_MESSAGES]
    published, consumed = (rate.published_per_s, rate.consumed_per_s) if rate else (None, None)
    return WaitingTopic(
        topic=first.topic,
        messages=messages,
        known=known - processed,
        named=sum(bool(message.keys) for message in named),
        processed=processed,
        oldest=shown,
        left_out=known - processed - len(shown),
        unexamined_partitions=sum(unread is None and _first(row) < row.end for row, unread in found.items()),
        published_per_s=published,
        consumed_per_s=consumed,
        drain_s=_drain(messages, published, consumed),
        causes=list(evidence.causes.get((first.cluster, first.group, first.topic), ())),
    )


def _first(row: Lag) -> int:
    """The offset of the first message that a group has not committed."""
    return max(row.committed or 0, row.start)


def _range(row: Lag) -> UnreadRange:
    return UnreadRange(row.group, row.topic, row.partition, _first(row), row.end)


def _message(row: Lag, message: UnreadMessage, keys: TraceKeys) -> WaitingMessage:
    waiting = (row.time - message.published) / NS_PER_MS
    return WaitingMessage(
        partition=row.partition,
        offset=message.offset,
        published=utc_time(message.published),
        waiting_ms=max(waiting, 0.0),
        service=message.service,
        message_key=message.message_key,
        keys=_names(message, keys.get(message.trace_id, ())),
        trace_id=message.trace_id,
    )


def _names(message: UnreadMessage, keys: Sequence[tuple[str, str]]) -> list[BusinessKey]:
    """The business keys of a message. A trace may have published for several orders; then only those count
    that the message itself has."""
    own = {str(value) for value in message.attributes.values()} | {message.message_key}
    values: dict[str, list[str]] = {}
    for key, value in keys:
        values.setdefault(key, []).append(value)
    names = [
        BusinessKey(key=key, value=value)
        for key, found in values.items()
        for value in found
        if value in own or len(found) == 1
    ]
    certain = [name for name in names if name.key != KAFKA_KEY_CORRELATION] or names
    return sorted(certain, key=lambda name: (not name.key.startswith("order"), name.key, name.value))[
        :_MAX_NAMES
    ]


def seconds_to_drain(messages: int, published: float | None, consumed: float | None) -> float | None:
    """Seconds until a queue is empty at these rates; infinite if it does not get shorter, None if unknown."""
    if messages == 0:
        return 0.0
    if published is None or consumed is None:
        return None
    return messages / (consumed - published) if consumed > published * _DRAINS else math.inf


def _drain(messages: int, published: float | None, consumed: float | None) -> float | None:
    """Seconds until a queue is empty at these rates; None if unknown, or if it does not drain."""
    seconds = seconds_to_drain(messages, published, consumed)
    return None if seconds == math.inf else seconds


def _topics_without_groups(rows: Iterable[Lag], edges: Sequence[EdgeRow]) -> list[str]:
    """Kafka topics of the recent graph that no group reads, by spans or by committed offsets."""
    read = {f"topic:{row.topic}" for row in rows} | {edge.source for edge in edges}
    published = {
        edge.target for edge in edges if edge.target.startswith("topic:") and edge.protocol == "kafka"
    }
    return sorted(topic.removeprefix("topic:") for topic in published - read)
