"""The queues of consumer groups, as several conditions look at them."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from laban_mapper.alerts.facts import Situation
from laban_mapper.lag import worst
from laban_mapper.model import STANDS, LagStatus, PartitionLag, WaitingTopic
from laban_mapper.urls import quoted_value

STANDING: Final = f'laban_consumergroup_status{{status=~"{"|".join(STANDS)}"}} == 1'
"""PromQL: the queues of groups that do not move."""


class QueueLag(NamedTuple):
    """A topic that a group reads, with messages that wait.

    Attributes:
        cluster: the Kafka cluster.
        is_only: whether it is the only one, so that nobody needs its name.
        status: the worst of the partitions.
        messages: that wait.
        seconds: the age of the oldest of them; None if unknown.
        members: of the group; None if unknown.
        partitions: of the topic.
        traces: of the oldest messages that are known by a span.
    """

    cluster: str
    is_only: bool
    group: str
    topic: str
    status: LagStatus
    messages: int
    seconds: float | None
    members: int | None
    partitions: Sequence[PartitionLag]
    traces: Sequence[str]

    @property
    def stands(self) -> bool:
        """Whether the group does not move."""
        return self.status in STANDS

    @property
    def place(self) -> str:
        """The stable name of the queue."""
        place = f"group {self.group}, topic {self.topic}"
        return place if self.is_only else f"{place} in {self.cluster}"

    @property
    def page(self) -> str:
        """The page of the dashboard."""
        return f"lag?group={quoted_value(self.group)}"


def queues(situation: Situation) -> Iterator[QueueLag]:
    """The queues in which at least as many messages wait as the limit says, by group and topic."""
    is_only = len({group.cluster for group in situation.lag.groups}) < 2
    for group in situation.lag.groups:
        waiting = {one.topic: one for one in group.waiting or ()}
        for topic in sorted({one.topic for one in group.topics}):
            partitions = [one for one in group.topics if one.topic == topic]
            messages = sum(one.messages or 0 for one in partitions)
            if messages < situation.limits.lag_messages:
                continue
            ages = [one.seconds for one in partitions if one.seconds is not None and one.messages]
            yield QueueLag(
                group.cluster or "",
                is_only,
                group.group,
                topic,
                worst(one.status for one in partitions),
                messages,
                max(ages, default=None),
                group.members,
                partitions,
                _traces(waiting.get(topic)),
            )


def _traces(waiting: WaitingTopic | None) -> list[str]:
    return [] if waiting is None else list(dict.fromkeys(one.trace_id for one in waiting.oldest))
