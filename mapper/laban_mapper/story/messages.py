"""What happened to each message of an order, in each group that consumes its topic."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from laban.vocabulary import (
    KAFKA,
    LABAN_DEAD_LETTER_EXCEPTION,
    LABAN_DEAD_LETTER_REASON,
    LABAN_DELIVERY_ATTEMPT,
    LABAN_QUEUE_TIME_MS,
)
from laban_collector.store.rows import Lag, Span
from laban_mapper.model import GroupState, Message, MessageStateName
from laban_mapper.spans import CONSUMER, NS_PER_MS, PRODUCER, error_of, failed
from laban_mapper.story.causality import Causality, message_of
from laban_mapper.times import utc_time

_DEAD_LETTER = re.compile(r"(^|[._-])(dlq|dlt|dead[._-]?letters?)($|[._-])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Consumption:
    """What is known about consumers apart from the spans of one order.

    Attributes:
        lag: the newest poll of each group and partition.
        groups: by topic, the consumer groups seen in any span, each with its service.
    """

    lag: Sequence[Lag] = ()
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    def groups_of(self, topic: str) -> list[str]:
        """Every group that reads the topic, according to spans or committed offsets."""
        return sorted({row.group for row in self.lag if row.topic == topic} | set(self.groups.get(topic, ())))

    def lag_of(self, group: str, topic: str, partition: int | None, offset: int | None = None) -> Lag | None:
        """The newest poll of a group in a partition; None if several clusters may have the message."""
        found = [
            row for row in self.lag if (row.group, row.topic, row.partition) == (group, topic, partition)
        ]
        if len(found) > 1 and offset is not None:
            found = [row for row in found if row.start <= offset < row.end]
        return found[0] if len(found) == 1 else None


def messages_of(causality: Causality, consumption: Consumption) -> list[Message]:
    """All published messages by time, each with its state in every group."""
    messages = []
    for span in causality.spans:
        if span.kind != PRODUCER or span.topic is None:
            continue
        states = _states(span, causality, consumption)
        messages.append(
            Message(
                topic=span.topic,
                partition=span.partition,
                offset=span.offset,
                key=span.message_key,
                published=utc_time(span.start),
                service=span.service,
                system=span.messaging_system,
                groups=states,
            )
        )
    return messages


def wait_of(span: Span, causality: Causality) -> float | None:
    """Milliseconds between the publishing of a message and its consumption; None if unknown."""
    if span.kind != CONSUMER:
        return None
    producer = producer_of(span, causality)
    if producer is not None:
        return max(0.0, (span.start - producer.start) / NS_PER_MS)
    recorded = span.attributes.get(LABAN_QUEUE_TIME_MS)
    return float(recorded) if isinstance(recorded, int | float) else None


def producer_of(span: Span, causality: Causality) -> Span | None:
    """The span that published the message of a consumer span."""
    return next((above for above in causality.ancestors(span) if above.kind == PRODUCER), None)


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


def _states(published: Span, causality: Causality, consumption: Consumption) -> list[GroupState]:
    attempts: dict[str, list[Span]] = {}
    for effect in _consumers(published, causality):
        attempts.setdefault(effect.group or effect.service, []).append(effect)
    topic = published.topic or ""
    silent = [group for group in consumption.groups_of(topic) if group not in attempts]
    states = [_consumed(group, spans, causality) for group, spans in attempts.items()]
    states += [_not_consumed(group, published, consumption) for group in silent]
    return sorted(states, key=lambda state: state.group)


def _consumers(published: Span, causality: Causality) -> Iterable[Span]:
    """The consumer spans of a message; receive spans only if there is no process span."""
    address = message_of(published)
    direct = [span for span in causality.effects(published) if span.kind == CONSUMER]
    if address is not None:
        seen = {id(span) for span in direct}
        direct += [
            span
            for span in causality.spans
            if span.kind == CONSUMER and message_of(span) == address and id(span) not in seen
        ]
    processing = [span for span in direct if span.messaging_operation != "receive"]
    return processing or direct


def _consumed(group: str, attempts: list[Span], causality: Causality) -> GroupState:
    attempts = sorted(attempts, key=lambda span: span.start)
    last = attempts[-1]
    good = [span for span in attempts if not failed(span)]
    shown = good[0] if good else last
    recorded = max((_attempt(span) for span in attempts), default=1)
    return GroupState(
        group=group,
        state=_outcome(attempts, good, causality),
        service=shown.service,
        wait_ms=wait_of(shown, causality),
        duration_ms=shown.duration / NS_PER_MS,
        attempts=max(len(attempts), recorded),
        error=_error_below(last, causality) if shown is last else None,
    )


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
    for below in causality.below(span, across_messages=False):
        if below.kind == PRODUCER and below.topic is not None and is_dead_letter(below.topic):
            return below
    return None


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
    inside = [error_of(below) for below in causality.below(span, across_messages=False)]
    return next((error for error in inside if error is not None), None)


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
    if lag.committed is not None and lag.committed > published.offset:
        return GroupState(group=group, state="untraced", service=service)
    return GroupState(
        group=group,
        state="waiting",
        service=service,
        messages_ahead=max(0, published.offset - next_read),
        seconds_ahead=lag.seconds,
        waiting_ms=waiting if waiting >= 0 else None,  # unknown if it was published after the poll
    )
