"""The Lag page's queues: how fast they grow and drain, which orders wait in them, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.order_timeline import DEFAULT_KEY
from laban_mapper.model import GroupLag, WaitingMessage, WaitingTopic
from laban_mapper.names import shortened

_KEY: Final = f"{DEFAULT_KEY}.id"
_NO_RATES: Final = "rates unknown: too few polls"


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A message that waits.

    Attributes:
        label: how it is known.
        query: what to enter on the Order page to see its story; by its trace if no key is known.
        details: how long it waits, where, and who published it.
    """

    label: str
    query: str
    details: str


def rates(topics: Sequence[WaitingTopic]) -> str:
    """How fast messages come and are consumed: `3.2/s in, 0/s out`."""
    came = [topic.published_per_s for topic in topics if topic.published_per_s is not None]
    went = [topic.consumed_per_s for topic in topics if topic.consumed_per_s is not None]
    if not came or not went or len(came) < len(topics) or len(went) < len(topics):
        return _NO_RATES
    return f"{_rate(sum(came))} in, {_rate(sum(went))} out"


def drain(group: GroupLag) -> str:
    """When nothing waits any more for a group: the last of its topics decides."""
    topics = [topic for topic in group.waiting or [] if topic.messages]
    if not topics:
        return "nothing to drain" if group.messages == 0 else "time to drain unknown"
    if any(topic.published_per_s is None or topic.consumed_per_s is None for topic in topics):
        return "time to drain unknown"
    if any(topic.drain_s is None for topic in topics):
        is_growing = group.status != "OK" or any(topic.grows for topic in topics)
        return "never drains at this rate" if is_growing else "keeps up"
    return f"drains in {formatting.duration(1000 * max(topic.drain_s or 0 for topic in topics))}"


def queue_line(topic: WaitingTopic) -> str:
    """What is known of the messages of a topic that wait."""
    waiting = topic.messages - topic.processed
    parts = [f"{formatting.count(waiting, 'message')} waiting", rates([topic])]
    if topic.drain_s is not None and waiting:
        parts.append(f"drains in {formatting.duration(1000 * topic.drain_s)}")
    if topic.processed:
        parts.append(f"{topic.processed:,} more processed but not committed")
    if topic.unexamined_partitions:
        parts.append(f"{formatting.count(topic.unexamined_partitions, 'partition')} not looked up")
    return ", ".join(parts)


def known_line(topic: WaitingTopic, shown: int) -> str:
    """How many of the waiting messages are known, and how many of those are not shown."""
    waiting = topic.messages - topic.processed
    told = f"{topic.known:,} of {waiting:,} waiting messages are known by a span"
    rest = topic.left_out + max(len(topic.oldest) - shown, 0)
    return f"{told}; the oldest {shown:,} are shown." if rest else f"{told}."


def waiting_rows(topic: WaitingTopic, most: int) -> Iterator[WaitingRow]:
    """The messages that wait longest, oldest first."""
    for message in topic.oldest[:most]:
        label, query = _known_as(message)
        place = f"{message.partition}@{message.offset}"
        details = (
            f"waits {formatting.duration(message.waiting_ms)} · by {shortened(message.service)} · {place}"
        )
        yield WaitingRow(label, query, details)


def worst_queues(groups: Sequence[GroupLag]) -> list[tuple[GroupLag, WaitingTopic]]:
    """The queues of some groups with messages that wait: those that do not drain first, then the longest."""
    found = [
        (group, topic)
        for group in groups
        for topic in group.waiting or []
        if topic.messages > topic.processed
    ]
    return sorted(found, key=lambda queue: (queue[0].status == "OK", -queue[1].messages))


def _known_as(message: WaitingMessage) -> tuple[str, str]:
    """How a message is called, and what to enter to see its story."""
    own = sorted(message.keys, key=lambda key: key.key != _KEY)
    if own:
        name = own[0].value if own[0].key == _KEY and "=" not in own[0].value else None
        query = name or f"{own[0].key}={own[0].value}"
        return f"{DEFAULT_KEY} {name}" if name else query, query
    label = "unnamed message" if message.message_key is None else f"key {message.message_key}"
    return label, f"trace={message.trace_id}"


def _rate(per_second: float) -> str:
    return formatting.rate(per_second, 1.0) if per_second else "0/s"
