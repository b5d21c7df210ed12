"""Evaluation of consumer lag: lag in seconds and a status, from the history of offsets. No I/O and no clock.

The statuses are those of Burrow (https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules). They
are
derived from the offsets alone: a poller sees the committed offset, but not the time of the commit.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

from laban_collector.store.rows import Lag

WINDOW: Final = 6
"""Readings needed for a status; half a minute at the default interval."""

STOP_WINDOW: Final = 24
"""Readings without a commit after which a group has stopped."""

KEPT: Final = 720
"""Readings kept; an hour at the default interval."""

_NS: Final = 1e9


class LagStatus(StrEnum):
    """The status of a group in one partition."""

    OK = "OK"
    """It keeps up or reduces its lag, or there are too few readings."""
    WARN = "WARN"
    """It commits, but its lag grows."""
    STALL = "STALL"
    """It has stopped committing although there are messages to consume."""
    STOP = "STOP"
    """It has not committed for a long time, and the log grows."""
    REWIND = "REWIND"
    """Its committed offset has decreased."""


class EndReading(NamedTuple):
    """The end offset of a partition at a time (ns)."""

    time: int
    end: int


class GroupReading(NamedTuple):
    """The committed offset of a group (None without a commit) and the end offset at a time (ns)."""

    time: int
    committed: int | None
    end: int

    @property
    def lag(self) -> int | None:
        """Messages behind; 0 if a recreated log ends before the committed offset."""
        return None if self.committed is None else max(self.end - self.committed, 0)


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
    """Derives lag from each poll and the polls before it."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._ends: dict[Partition, deque[EndReading]] = {}
        self._groups: dict[tuple[str, Partition], deque[GroupReading]] = {}

    def observe(self, time: int, offsets: Offsets) -> list[Lag]:
        """Return the lag of every group and partition at a time (ns). The history of others is dropped."""
        self._ends = {partition: self._ends.get(partition, deque(maxlen=KEPT)) for partition in offsets.logs}
        for partition, log in offsets.logs.items():
            history = self._ends[partition]
            if history and history[-1].end > log.end:  # the topic was recreated
                history.clear()
            history.append(EndReading(time, log.end))
        polled = {
            (group, partition): GroupReading(time, committed, offsets.logs[partition].end)
            for group, partitions in offsets.committed.items()
            for partition, committed in partitions.items()
            if partition in offsets.logs
        }
        self._groups = {key: self._groups.get(key, deque(maxlen=KEPT)) for key in polled}
        return [self._lag(*key, reading, offsets.logs[key[1]]) for key, reading in polled.items()]

    def _lag(self, group: str, partition: Partition, reading: GroupReading, log: Log) -> Lag:
        history = self._groups[group, partition]
        history.append(reading)
        return Lag(
            time=reading.time,
            cluster=self._cluster,
            group=group,
            topic=partition.topic,
            partition=partition.number,
            committed=reading.committed,
            end=log.end,
            start=log.start,
            messages=reading.lag,
            seconds=seconds_behind(self._ends[partition], reading.committed),
            status=evaluate(history),
        )


def seconds_behind(history: Sequence[EndReading], committed: int | None) -> float | None:
    """Return how many seconds before the newest reading the log's end passed the committed offset.

    Between two readings, the log is assumed to grow evenly. The result is None without a commit, or if the
    log passed the offset before the first reading.
    """
    if committed is None or not history:
        return None
    now = history[-1]
    if now.end <= committed:
        return 0.0
    for before, after in pairwise(history):
        if before.end <= committed < after.end:
            share = (committed - before.end) / (after.end - before.end)
            return (now.time - (before.time + share * (after.time - before.time))) / _NS
    return None


def evaluate(history: Sequence[GroupReading]) -> LagStatus:
    """Return the status of a group in a partition; the newest reading is the last one."""
    window = list(history)[-WINDOW:]
    if not window or window[-1].lag == 0:
        return LagStatus.OK
    if _has_rewound(window):
        return LagStatus.REWIND
    if len(window) < WINDOW:
        return LagStatus.OK
    if window[0].committed == window[-1].committed:
        return _evaluate_without_commit(history, window)
    return LagStatus.WARN if _falls_behind(window) else LagStatus.OK


def _has_rewound(window: Sequence[GroupReading]) -> bool:
    offsets = [reading.committed for reading in window if reading.committed is not None]
    return any(after < before for before, after in pairwise(offsets))


def _falls_behind(window: Sequence[GroupReading]) -> bool:
    """Whether the lag grew over the window without reaching zero."""
    lags = [reading.lag for reading in window]
    first, last = lags[0], lags[-1]
    return first is not None and last is not None and 0 not in lags and last > first


def _evaluate_without_commit(history: Sequence[GroupReading], window: Sequence[GroupReading]) -> LagStatus:
    """Return the status of a group that has lag and has not committed in the window."""
    committed = window[-1].committed
    still: list[GroupReading] = []
    for reading in reversed(history):
        if reading.committed != committed:
            break
        still.append(reading)
    moved = len(still) < len(history)
    log_moved = still[0].end > still[-1].end
    if log_moved and (len(still) >= STOP_WINDOW or not moved):
        return LagStatus.STOP
    if committed is None:  # no commit and no new messages: it may never have consumed this partition
        return LagStatus.OK
    return LagStatus.STALL
