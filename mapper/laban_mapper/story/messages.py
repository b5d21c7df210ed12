"""What happened to each message of an order, in each group that consumes its topic."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from laban.vocabulary import (
    KAFKA,
    LABAN_DEAD_LETTER_EXCEPTION,
    LABAN_DEAD_LETTER_REASON,
    LABAN_DELIVERY_ATTEMPT,
    LABAN_QUEUE_TIME_MS,
)
from laban_collector.store.rows import Lag, QueueProgress, Span
from laban_mapper.model import STANDS, GroupState, Message, MessageStateName
from laban_mapper.spans import (
    CLIENT,
    NS_PER_MS,
    NS_PER_S,
    PRODUCER,
    SERVER,
    error_of,
    failed,
    is_consuming,
    is_publishing,
    is_receiving,
)
from laban_mapper.story.causality import Causality
from laban_mapper.story.deliveries import Publication
from laban_mapper.times import utc_time

_PROCESSED, _RECEIVED, _CALLED, _OTHER = range(4)
_NEXT_S: Final = 10.0
"""Seconds in which a group takes the next message; many clients commit only every 5 s."""
_DEAD_LETTER = re.compile(r"(^|[._-])(dlq|dlt|dead[._-]?letters?)($|[._-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Consumption:
    """What is known about consumers apart from the spans of one order.

    Attributes:
        lag: the newest poll of each group and partition.
        groups: by topic, the consumer groups seen in any span, each with its service.
        progress: how the groups advance in the partitions whose messages wait.
    """

    lag: Sequence[Lag] = ()
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    progress: Sequence[QueueProgress] = ()

    def groups_of(self, topic: str) -> list[str]:
        """Every group that reads the topic, according to spans or committed offsets."""
        return sorted({row.group for row in self.lag if row.topic == topic} | set(self.groups.get(topic, ())))

    def group_of(self, service: str, topic: str) -> str | None:
        """The group with which a service reads the topic; None if that is unknown, or if it has several."""
        found = [group for group, reader in self.groups.get(topic, {}).items() if reader == service]
        return found[0] if len(found) == 1 else None

    def lag_of(self, group: str, topic: str, partition: int | None, offset: int | None = None) -> Lag | None:
        """The newest poll of a group in a partition; None if several clusters may have the message."""
        found = [
            row for row in self.lag if (row.group, row.topic, row.partition) == (group, topic, partition)
        ]
        if len(found) > 1 and offset is not None:
            found = [row for row in found if row.start <= offset < row.end]
        return found[0] if len(found) == 1 else None

    def progress_of(self, lag: Lag) -> QueueProgress | None:
        """How the group of a poll advances in its partition; None if that was not looked up."""
        place = (lag.cluster, lag.group, lag.topic, lag.partition)
        for one in self.progress:
            if (one.cluster, one.group, one.topic, one.partition) == place:
                return one
        return None

    def rate_of(self, lag: Lag) -> float | None:
        """Messages per second that the group consumes of the partition; None if it does not move."""
        progress = self.progress_of(lag)
        stands = progress is None or progress.committed is None or lag.status in STANDS
        return None if stands or progress is None else progress.consumed_per_s or None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one group did with one message.

    Attributes:
        state: the same for people.
        attempts: the spans that consumed the message, by start; none if no span did.
        done: the end of the attempt that counts, in ns by the corrected clock; None if it is unknown.
    """

    state: GroupState
    attempts: tuple[Span, ...] = ()
    done: int | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """A published message, and what each group did with it."""

    message: Message
    deliveries: tuple[Delivery, ...]


def messages_of(causality: Causality, consumption: Consumption) -> list[Published]:
    """All published messages by time, each with its state in every group."""
    publications = causality.messages.publications()
    if not publications:
        return []
    position = {id(span): index for index, span in enumerate(causality.spans)}
    publications.sort(key=lambda publication: position[id(publication.span)])
    readers = _Readers(causality, consumption)
    return [
        _published(publication, causality, readers)
        for publication in publications
        if publication.topic is not None
    ]


def wait_of(span: Span, causality: Causality) -> float | None:
    """Milliseconds between the publishing of a message and its consumption; None if unknown.

    A batch has waited as long as its first message.
    """
    if not is_consuming(span) and not causality.is_delivery(span):
        return None
    publishers = causality.messages.publishers(span)
    cause = causality.cause(span)
    if not publishers and cause is not None and is_publishing(cause):
        publishers = [cause]
    if publishers:
        return _wait_since(min(publishers, key=causality.start), span, causality)
    recorded = span.attributes.get(LABAN_QUEUE_TIME_MS)
    return float(recorded) if isinstance(recorded, int | float) and recorded >= 0 else None


def unread_reason(message: Message, topic: str = "this topic") -> str:
    """The clause for a message that no group has read; `topic` is the name to use in it.

    Kafka's groups commit offsets, so it is known that there is none. Other brokers show only consumers with
    spans.
    """
    known = message.system in (None, KAFKA)
    return f"no group consumes {topic}" if known else f"no consumer of {topic} is known"


def is_dead_letter(topic: str) -> bool:
    """Whether the topic is a dead letter topic, by the usual names."""
    return _DEAD_LETTER.search(topic) is not None


class _Readers:
    """The group of each consumer span. A span that does not name it has the group of its service."""

    def __init__(self, causality: Causality, consumption: Consumption) -> None:
        self._consumption = consumption
        self._named: dict[tuple[str, str | None], set[str]] = {}
        self._inherited: dict[int, str] = {}
        self._queues: dict[int, str] = {}
        self._groups: dict[str, list[str]] = {}
        self._lag: dict[tuple[str, str, int], list[Lag]] = {}
        for span in causality.spans:
            if span.group is not None:
                self._named.setdefault((span.service, span.topic), set()).add(span.group)
            if is_consuming(span):
                self._share(span, causality.messages.received_by(span))

    def groups_of(self, topic: str) -> list[str]:
        """Every group that reads a topic."""
        if topic not in self._groups:
            self._groups[topic] = self._consumption.groups_of(topic)
        return self._groups[topic]

    def in_partition(self, group: str, topic: str, partition: int | None) -> Consumption:
        """What is known about one group in one partition."""
        if not self._lag:
            for row in self._consumption.lag:
                self._lag.setdefault((row.group, row.topic, row.partition), []).append(row)
        rows = () if partition is None else self._lag.get((group, topic, partition), ())
        return Consumption(rows, self._consumption.groups, self._consumption.progress)

    def group_of(self, span: Span, topic: str) -> str:
        """The group, or the queue if it has another name than the topic; the service if both are unknown."""
        group = span.group or self._inherited.get(id(span))
        if group is not None:
            return group
        named = self._named.get((span.service, topic), set())
        if len(named) == 1:
            return next(iter(named))
        queue = span.topic or self._queues.get(id(span))
        if queue not in (None, topic) and span.messaging_system != KAFKA:
            return str(queue)
        service = span.service.removeprefix(f"{span.namespace}/")
        return self._consumption.group_of(service, topic) or span.service

    def _share(self, span: Span, receive: Span | None) -> None:
        """Give a receive span and a process span below it the group that one of them names."""
        if receive is None:
            return
        if span.topic is None and receive.topic is not None and receive.messaging_system != KAFKA:
            self._queues[id(span)] = receive.topic
        if span.group is None and receive.group is not None:
            self._inherited[id(span)] = receive.group
        elif span.group is not None and receive.group is None:
            self._inherited.setdefault(id(receive), span.group)


def _published(publication: Publication, causality: Causality, readers: _Readers) -> Published:
    span = publication.merged()
    topic = span.topic or ""
    consumers: dict[str, list[Span]] = {}
    for consumer in publication.consumers:
        consumers.setdefault(readers.group_of(consumer, topic), []).append(consumer)
    deliveries = [_consumed(group, spans, publication.span, causality) for group, spans in consumers.items()]
    silent = [group for group in readers.groups_of(topic) if group not in consumers]
    deliveries += [
        Delivery(_not_consumed(group, span, readers.in_partition(group, topic, span.partition)))
        for group in silent
    ]
    deliveries.sort(key=lambda delivery: delivery.state.group)
    event_type, version = publication.contract
    message = Message(
        topic=topic,
        partition=span.partition,
        offset=span.offset,
        key=span.message_key,
        published=utc_time(span.start),
        service=span.service,
        system=span.messaging_system,
        groups=[delivery.state for delivery in deliveries],
        event_type=event_type,
        version=version,
    )
    return Published(message, tuple(deliveries))


def _consumed(group: str, consumers: Sequence[Span], published: Span, causality: Causality) -> Delivery:
    attempts = sorted(_attempts(consumers, causality), key=causality.start)
    last = attempts[-1]
    good = [span for span in attempts if not _gave_up(span)]
    shown = good[0] if good else last
    recorded = max((_attempt(span) for span in attempts), default=1)
    state = GroupState(
        group=group,
        state=_outcome(attempts, good, causality),
        service=shown.service,
        wait_ms=_wait_since(published, shown, causality),
        duration_ms=shown.duration / NS_PER_MS,
        attempts=max(len(attempts), recorded),
        error=_error_below(last, causality) if shown is last else None,
    )
    done = None if causality.clocks.is_guess(shown) else causality.end(shown)
    return Delivery(state, tuple(attempts), done)


def _attempts(consumers: Sequence[Span], causality: Causality) -> list[Span]:
    """One span for each time that a group consumed a message.

    A receive span and a process span are about one consumption, and the process span says how it went. Of
    process spans inside each other, the outer counts. Without any of these, the server that was called with
    the message counts, or else the first span of the other service.
    """
    best = min(_rank(span) for span in consumers)
    found = [span for span in consumers if _rank(span) == best]
    if best == _OTHER:
        return [min(found, key=causality.start)]
    ids = {id(span) for span in found}
    outer = [span for span in found if id(causality.messages.received_by(span)) not in ids]
    return outer or found


def _rank(span: Span) -> int:
    if is_consuming(span):
        return _RECEIVED if is_receiving(span) else _PROCESSED
    return _CALLED if span.kind == SERVER else _OTHER


def _gave_up(span: Span) -> bool:
    """Whether the consumption failed. A failed call or publishing is not the failure of its service."""
    return failed(span) and (is_consuming(span) or span.kind not in {CLIENT, PRODUCER})


def _wait_since(published: Span, span: Span, causality: Causality) -> float | None:
    """None if the clocks differ by an unknown time."""
    wait = causality.start(span) - causality.start(published)
    clocks = causality.clocks
    return None if wait < 0 or clocks.is_guess(span) or clocks.is_guess(published) else wait / NS_PER_MS


def _outcome(attempts: list[Span], good: list[Span], causality: Causality) -> MessageStateName:
    if any(dead_letter_of(span, causality) for span in attempts):
        return "dead-lettered"
    if not good:
        return "failed"
    if len(good) > 1:
        return "duplicated"
    return "retried" if len(attempts) > 1 else "processed"


def dead_letter_of(span: Span, causality: Causality) -> Span | None:
    """The span below a consumer span that published to a dead letter topic; None if there is none."""
    return causality.inside(_is_dead_lettering).get(id(span))


def _is_dead_lettering(span: Span) -> bool:
    return is_publishing(span) and span.topic is not None and is_dead_letter(span.topic)


def reason_of(dead_letter: Span | None) -> str | None:
    """Why a message was dead-lettered, from the headers that the common frameworks set."""
    if dead_letter is None:
        return None
    kind = str(dead_letter.attributes.get(LABAN_DEAD_LETTER_EXCEPTION, "")).rsplit(".", 1)[-1]
    message = str(dead_letter.attributes.get(LABAN_DEAD_LETTER_REASON, ""))
    return ": ".join(part for part in (kind, message) if part) or None


def _error_below(span: Span, causality: Causality) -> str | None:
    """The error of a consumer span; for a dead-lettered message, the reason or the error that was caught."""
    own = error_of(span)
    dead_letter = dead_letter_of(span, causality)
    if own is not None or dead_letter is None:
        return own
    reason = reason_of(dead_letter)
    if reason is not None:
        return reason
    caught = causality.inside(failed).get(id(span))
    return None if caught is None else error_of(caught)


def _attempt(span: Span) -> int:
    recorded = span.attributes.get(LABAN_DELIVERY_ATTEMPT)
    return recorded if isinstance(recorded, int) else 1


def _not_consumed(group: str, published: Span, consumption: Consumption) -> GroupState:
    """The state in a group without a span: waiting, consumed without tracing, or unknown."""
    lag = consumption.lag_of(group, published.topic or "", published.partition, published.offset)
    service = consumption.groups.get(published.topic or "", {}).get(group)
    if lag is None or published.offset is None:
        return GroupState(group=group, state="unseen", service=service)
    next_read = max(lag.committed or 0, lag.start)
    waiting = (lag.time - published.start) / NS_PER_MS
    ahead = max(0, published.offset - next_read)
    if lag.committed is not None and lag.committed > published.offset:
        return GroupState(group=group, state="untraced", service=service)
    return GroupState(
        group=group,
        state="waiting",
        service=service,
        messages_ahead=ahead,
        seconds_ahead=_seconds_ahead(ahead, consumption, lag, published),
        waiting_ms=waiting if waiting >= 0 else None,  # unknown if it was published after the poll
    )


def _seconds_ahead(ahead: int, consumption: Consumption, lag: Lag, published: Span) -> float | None:
    """Seconds until the group reaches a message; None if it does not move.

    The rate is a mean of minutes. A group that has committed nothing since the message came, for longer than
    the rate would need to reach it, has stopped meanwhile. If the message is the next one, the rate may only
    tell how seldom messages came before.
    """
    rate, progress = consumption.rate_of(lag), consumption.progress_of(lag)
    if rate is None or progress is None or progress.committed is None:
        return None
    seconds = (ahead + 1) / rate
    waited = (lag.time - published.start) / NS_PER_S
    stands = waited > min(seconds, _NEXT_S) if ahead == 0 else waited > seconds
    return None if progress.committed <= published.start and stands else seconds
