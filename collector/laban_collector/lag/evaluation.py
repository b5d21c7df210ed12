"""Evaluation of consumer lag: seconds and a status, from the history of offsets. No I/O and no clock."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from statistics import median
from types import MappingProxyType
from typing import Final, NamedTuple

from laban_collector.lag.commit_interval import CommitInterval
from laban_collector.lag.log_history import LogHistory
from laban_collector.lag.status import GroupHistory, GroupReading
from laban_collector.store.rows import Lag, LagProblem, LagRow

_POLLS: Final = 15
"""Polls from which the time between two polls is known."""

_NS: Final = 1e9


class Partition(NamedTuple):
    """A partition of a topic."""

    topic: str
    number: int


class Log(NamedTuple):
    """The first retained offset of a partition, and the offset of the next message."""

    start: int
    end: int


class Problem(NamedTuple):
    """A group, topic or partition whose offsets could not be read; None where it is not one of them."""

    group: str | None
    topic: str | None
    partition: int | None
    reason: str
    """`not authorised`, `no leader`, `broker does not answer`, or the name of another error of Kafka."""


class Offsets(NamedTuple):
    """All offsets of a cluster at one time.

    Attributes:
        logs: the log of each partition, consumed or not.
        committed: the committed offsets by group and partition; None without a commit.
        problems: what could not be read.
        members: the number of members by group; None if unknown.
        times: the timestamp (ns) of the first record that a group has not read, where it was read.
    """

    logs: Mapping[Partition, Log]
    committed: Mapping[str, Mapping[Partition, int | None]]
    problems: Sequence[Problem] = ()
    members: Mapping[str, int | None] = MappingProxyType({})
    times: Mapping[tuple[str, Partition], int] = MappingProxyType({})


class LagTracker:
    """Derives lag from each poll and the polls before it.

    Args:
        cluster: the name of the cluster in the rows.
    """

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._logs: dict[Partition, LogHistory] = {}
        self._groups: dict[tuple[str, Partition], GroupHistory] = {}
        self._intervals: defaultdict[str, CommitInterval] = defaultdict(CommitInterval)
        self._polls: deque[int] = deque(maxlen=_POLLS)
        self._time: int | None = None
        self._poll = 1

    def observe(self, time: int, offsets: Offsets) -> list[LagRow]:
        """Return the lag of every group and partition at a time (ns), and what could not be read.

        The history of others is dropped, unless a problem explains why they are missing.
        """
        self._measure_poll(time)
        unread = {(problem.group, problem.topic, problem.partition) for problem in offsets.problems}
        self._logs = {
            partition: history
            for partition, history in self._logs.items()
            if partition in offsets.logs or _explains(unread, None, partition)
        }
        for partition, log in offsets.logs.items():
            self._logs.setdefault(partition, LogHistory()).add(time, log.end)
        rows = self._rows(time, offsets)
        polled = {(row.group, Partition(row.topic, row.partition)) for row in rows}
        self._groups = {
            key: history for key, history in self._groups.items() if key in polled or _explains(unread, *key)
        }
        kept = {group for group, _ in self._groups}
        for group in [group for group in self._intervals if group not in kept]:
            del self._intervals[group]
        return [*rows, *(LagProblem(time, self._cluster, *problem) for problem in offsets.problems)]

    def prime(self, rows: Iterable[LagRow]) -> None:
        """Learn from stored rows of this cluster, sorted by time, before the first poll."""
        own = (row for row in rows if isinstance(row, Lag) and row.cluster == self._cluster)
        for time, poll in groupby(own, key=lambda row: row.time):
            logs: dict[Partition, Log] = {}
            committed: dict[str, dict[Partition, int | None]] = {}
            for row in poll:
                partition = Partition(row.topic, row.partition)
                logs[partition] = Log(row.start, row.end)
                committed.setdefault(row.group, {})[partition] = row.committed
            self.observe(time, Offsets(logs, committed))

    def _measure_poll(self, time: int) -> None:
        """Learn the time between two polls; small changes would make patience flicker."""
        if self._time is not None and time > self._time:
            self._polls.append(time - self._time)
            found = round(median(self._polls))
            if abs(found - self._poll) > self._poll // 50:
                self._poll = found
        self._time = time

    def _rows(self, time: int, offsets: Offsets) -> list[Lag]:
        return [
            self._lag(group, partition, GroupReading(time, offset, log.end, log.start), offsets)
            for group, partitions in offsets.committed.items()
            for partition, offset in partitions.items()
            if (log := offsets.logs.get(partition)) is not None
        ]

    def _lag(self, group: str, partition: Partition, reading: GroupReading, offsets: Offsets) -> Lag:
        history = self._groups.get((group, partition))
        if history is None:
            history = self._groups[group, partition] = GroupHistory(self._intervals[group])
        members = offsets.members.get(group)
        seconds, source = self._behind(partition, reading, offsets.times.get((group, partition)))
        return Lag(
            time=reading.time,
            cluster=self._cluster,
            group=group,
            topic=partition.topic,
            partition=partition.number,
            committed=reading.committed,
            end=reading.end,
            start=reading.start,
            messages=reading.lag,
            seconds=seconds,
            status=history.observe(reading, self._poll, members),
            lost=reading.lost,
            seconds_from=source,
            members=members,
        )

    def _behind(
        self, partition: Partition, reading: GroupReading, written: int | None
    ) -> tuple[float | None, str | None]:
        """Return the age of the first message that was not read, and where it is known from."""
        if reading.committed is None:
            return None, None
        if reading.lag == 0:
            return 0.0, None
        if written is not None and 0 < written <= reading.time:
            return (reading.time - written) / _NS, "message"
        passed = self._logs[partition].passed(max(reading.committed, reading.start))
        return (None, None) if passed is None else ((reading.time - passed) / _NS, "interpolated")


def _explains(
    unread: set[tuple[str | None, str | None, int | None]], group: str | None, partition: Partition
) -> bool:
    """Whether a partition, or a group in it, is missing because of a problem."""
    return bool(unread) and any(
        (one, topic, number) in unread
        for one in (None, group)
        for topic in (None, partition.topic)
        for number in (None, partition.number)
    )
