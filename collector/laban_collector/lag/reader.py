"""Reads all offsets of a cluster: the requests of a poll, to all brokers at the same time.

A broker that is down, a group that may not be read and a partition without a leader cost only themselves.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from kafka.errors import KafkaError
from kafka.protocol.consumer import OffsetFetchRequest, OffsetSpec

from laban_collector.errors import KafkaUnreachable
from laban_collector.lag import requests
from laban_collector.lag.brokers import Brokers
from laban_collector.lag.evaluation import Log, Offsets, Partition, Problem
from laban_collector.lag.filters import Filters
from laban_collector.lag.members import MemberCounts
from laban_collector.lag.requests import NO_ANSWER, Committed, Group
from laban_collector.lag.times import MessageTimes


class GroupsRead(NamedTuple):
    """What one broker says about the groups that it coordinates."""

    groups: Sequence[Group] = ()
    committed: Mapping[str, Committed] = {}
    problems: Sequence[Problem] = ()
    answered: bool = True


class LogsRead(NamedTuple):
    """What one broker says about the partitions that it leads."""

    logs: Mapping[Partition, Log]
    problems: Sequence[Problem]


class OffsetReader:
    """Reads the offsets of one cluster.

    Args:
        brokers: the connected brokers.
        filters: the groups and topics to read.
        clock: seconds that only grow.
        message_times: read the first message that waits, for its time.
    """

    def __init__(
        self,
        brokers: Brokers,
        filters: Filters | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        message_times: bool = True,
    ) -> None:
        self._brokers = brokers
        self._filters = filters or Filters()
        self._members = MemberCounts(brokers, clock)
        self._times = MessageTimes(brokers, clock) if message_times else None
        self._coordinators: dict[str, int] = {}
        self.cluster_id: str | None = None

    def read(self) -> Offsets:
        """Read the offsets of all groups and the logs of all partitions.

        All topics, because lag in seconds needs the history of the log from before a group fell behind.

        Raises:
            KafkaUnreachable: no broker answers.
        """
        return self._brokers.run(self._read)

    async def _read(self) -> Offsets:
        metadata = await self._brokers.send_to_any(requests.all_topics())
        self._brokers.learn(metadata)
        self.cluster_id = metadata.cluster_id
        topics = requests.read_topics(metadata, self._filters.topics)
        brokers = [broker.node_id for broker in metadata.brokers]
        # Committed offsets are read before the logs: the other way round, a group could seem to be ahead.
        answers = dict(zip(brokers, await self._brokers.gather(map(self._read_groups, brokers)), strict=True))
        silent = {broker for broker, answer in answers.items() if not answer.answered}
        if len(silent) == len(brokers):
            raise KafkaUnreachable("no broker answers")
        logs = await self._brokers.gather(
            self._read_logs(broker, partitions, silent) for broker, partitions in topics.by_leader.items()
        )
        members = await self._members.count({broker: found.groups for broker, found in answers.items()})
        offsets = self._offsets(answers, logs, topics.problems, members)
        if self._times is None:
            return offsets
        times = await self._times.find(offsets.committed, offsets.logs, topics.by_leader)
        return offsets._replace(times=times)

    def _offsets(
        self,
        answers: Mapping[int, GroupsRead],
        logs_read: Sequence[LogsRead],
        problems: Sequence[Problem],
        members: Mapping[str, int | None],
    ) -> Offsets:
        logs = {place: log for read in logs_read for place, log in read.logs.items()}
        committed = {group: found for answer in answers.values() for group, found in answer.committed.items()}
        topics = requests.by_topic(logs)
        return Offsets(
            logs=logs,
            committed={group: requests.fill(found, topics) for group, found in committed.items()},
            problems=[
                *problems,
                *chain.from_iterable(answer.problems for answer in answers.values()),
                *chain.from_iterable(read.problems for read in logs_read),
                *self._lost_groups(answers),
            ],
            members=members,
        )

    def _lost_groups(self, answers: Mapping[int, GroupsRead]) -> list[Problem]:
        """Return the groups that no broker lists because their coordinator does not answer."""
        listed = {group.name: broker for broker, answer in answers.items() for group in answer.groups}
        lost = {
            group: broker
            for group, broker in self._coordinators.items()
            if group not in listed and not (broker in answers and answers[broker].answered)
        }
        self._coordinators = listed | lost
        return [Problem(group, None, None, NO_ANSWER) for group in lost]

    async def _read_groups(self, broker: int) -> GroupsRead:
        try:
            response = await self._brokers.send(broker, requests.list_groups())
            groups, problems = requests.read_groups(response, self._filters.groups)
            committed: dict[str, Committed] = {}
            version = await self._brokers.version(broker, OffsetFetchRequest)
            for request in requests.fetch_committed([group.name for group in groups], version):
                answer = await self._brokers.send(broker, request)
                found, failed = requests.read_committed(request, answer, self._filters.topics)
                committed |= found
                problems += failed
        except KafkaError:
            return GroupsRead(answered=False)
        return GroupsRead(groups, committed, problems)

    async def _read_logs(self, broker: int, partitions: list[Partition], silent: set[int]) -> LogsRead:
        if broker not in silent:
            try:
                (starts, first), (ends, last) = await self._brokers.gather(
                    self._offsets_at(broker, partitions, spec)
                    for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
                )
            except KafkaError:
                pass  # it has stopped to answer just now
            else:
                both = starts.keys() & ends.keys()
                logs = {place: Log(starts[place], ends[place]) for place in partitions if place in both}
                return LogsRead(logs, list(dict.fromkeys([*first, *last])))
        return LogsRead({}, [Problem(None, *place, NO_ANSWER) for place in partitions])

    async def _offsets_at(
        self, broker: int, partitions: Iterable[Partition], spec: int
    ) -> tuple[dict[Partition, int], list[Problem]]:
        response = await self._brokers.send(broker, requests.list_offsets(partitions, spec))
        return requests.read_offsets(response)
