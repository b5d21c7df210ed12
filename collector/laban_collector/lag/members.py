"""How many members each consumer group has, asked for as seldom as possible."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

from kafka.errors import IncompatibleBrokerVersion, KafkaConnectionError, KafkaError

from laban_collector.lag import requests
from laban_collector.lag.brokers import Brokers
from laban_collector.lag.requests import Group

DESCRIBE_INTERVAL: Final = 60.0
"""Seconds for which the number of members of a group is taken as known, unless its state changes."""


class Described(NamedTuple):
    """A group as it was described: its state and members, and when."""

    state: str
    members: int | None
    at: float


class MemberCounts:
    """Counts the members of groups.

    The list of groups says which ones are empty. The others are described when their state has changed, and
    once a minute. A broker that closes the connection instead of an answer is not asked again.

    Args:
        brokers: the connected brokers.
        clock: seconds that only grow.
    """

    def __init__(self, brokers: Brokers, clock: Callable[[], float]) -> None:
        self._brokers = brokers
        self._clock = clock
        self._described: dict[str, Described] = {}
        self._unable: set[int] = set()

    async def count(self, groups: Mapping[int, Sequence[Group]]) -> dict[str, int | None]:
        """Return the number of members by group, None where unknown; `groups` is by coordinator."""
        due = {broker: list(filter(self._is_due, listed)) for broker, listed in groups.items()}
        for answer in await self._brokers.gather(
            self._describe(broker, asked) for broker, asked in due.items() if asked
        ):
            self._described |= answer
        listed = list(chain.from_iterable(groups.values()))
        names = {group.name for group in listed}
        self._described = {name: found for name, found in self._described.items() if name in names}
        return {group.name: self._members(group) for group in listed}

    def _members(self, group: Group) -> int | None:
        if group.is_empty:
            return 0
        found = self._described.get(group.name)
        return found.members if found else None

    def _is_due(self, group: Group) -> bool:
        if group.is_empty or not group.describable:
            return False
        found = self._described.get(group.name)
        return found is None or found.state != group.state or self._clock() - found.at >= DESCRIBE_INTERVAL

    async def _describe(self, broker: int, groups: Sequence[Group]) -> dict[str, Described]:
        members: dict[str, int | None] = {}
        if broker not in self._unable:
            request = requests.describe_groups(group.name for group in groups)
            try:
                response: Any = await self._brokers.send(broker, request)
                members = requests.read_members(response)
            except (IncompatibleBrokerVersion, KafkaConnectionError):
                self._unable.add(broker)
            except KafkaError:
                pass  # unknown for a minute
        now = self._clock()
        return {group.name: Described(group.state, members.get(group.name), now) for group in groups}
