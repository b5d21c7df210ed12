"""Lag in time and in words, from what was polled before. Pure: no clock, no broker.

The words are Burrow's (https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules), judged from
the offsets alone: a poller sees the committed offset, but not when it was committed.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple

from laban_collector.store.base import Lag

WINDOW: Final = 6
"""Readings that a judgement needs; half a minute at the default interval."""

STOP_WINDOW: Final = 24
"""Readings without a commit after which a group counts as stopped."""

KEPT: Final = 720
"""Readings kept; an hour at the default interval."""

_NS: Final = 1e9


class LagStatus(StrEnum):
    """How a group is doing in one partition."""

    OK = "OK"
    """It keeps up, or works its backlog off, or it is too early to tell."""
    WARN = "WARN"
    """It commits, but falls behind."""
    STALL = "STALL"
    """It has moved, and does not move any more, though there is something to consume."""
    STOP = "STOP"
    """It has not committed for long, and the log moves on."""
    REWIND = "REWIND"
    """Its committed offset went back."""


class EndReading(NamedTuple):
    """The end of a partition's log at one time (ns)."""

    time: int
    end: int


class GroupReading(NamedTuple):
    """A group's committed offset, None if there is none, and the log's end at one time (ns)."""

    time: int
    committed: int | None
    end: int

    @property
    def lag(self) -> int | None:
        """Messages behind. A log that was recreated may end before the committed offset: that is 0."""
        return None if self.committed is None else max(self.end - self.committed, 0)


class Partition(NamedTuple):
    """A partition of a topic."""

    topic: str
    number: int


class Log(NamedTuple):
    """The first offset that a partition still has, and the one that the next message will get."""

    start: int
    end: int


class Offsets(NamedTuple):
    """All offsets of a cluster at one time.

    Attributes:
        logs: of each partition, consumed or not.
        committed: by group and partition; None where the group has committed nothing.
    """

    logs: Mapping[Partition, Log]
    committed: Mapping[str, Mapping[Partition, int | None]]


class LagTracker:
    """Turns one poll after the other into lag, by what the polls before said."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._ends: dict[Partition, deque[EndReading]] = {}
        self._groups: dict[tuple[str, Partition], deque[GroupReading]] = {}

    def observe(self, time: int, offsets: Offsets) -> list[Lag]:
        """The lag of every group and partition at a time (ns). What is not polled any more is forgotten."""
        self._ends = {partition: self._ends.get(partition, deque(maxlen=KEPT)) for partition in offsets.logs}
        for partition, log in offsets.logs.items():
            history = self._ends[partition]
            if history and history[-1].end > log.end:  # the topic was made anew: other messages, other times
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
            status=judge(history),
        )


def seconds_behind(history: Sequence[EndReading], committed: int | None) -> float | None:
    """How long ago, seen from the newest reading, the log's end passed the committed offset.

    Between two readings the log is taken to have grown evenly. None when nothing is committed, or when the
    log had passed the offset before the first reading: then only a broker that keeps times could tell.
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


def judge(history: Sequence[GroupReading]) -> LagStatus:
    """The status of a group in a partition; the newest reading is the last."""
    window = list(history)[-WINDOW:]
    if not window or window[-1].lag == 0:
        return LagStatus.OK
    if _went_back(window):
        return LagStatus.REWIND
    if len(window) < WINDOW:
        return LagStatus.OK
    if window[0].committed == window[-1].committed:
        return _judge_still(history, window)
    return LagStatus.WARN if _falls_behind(window) else LagStatus.OK


def _went_back(window: Sequence[GroupReading]) -> bool:
    offsets = [reading.committed for reading in window if reading.committed is not None]
    return any(after < before for before, after in pairwise(offsets))


def _falls_behind(window: Sequence[GroupReading]) -> bool:
    """Whether the lag grew over the window, and was never worked off in it."""
    lags = [reading.lag for reading in window]
    first, last = lags[0], lags[-1]
    return first is not None and last is not None and 0 not in lags and last > first


def _judge_still(history: Sequence[GroupReading], window: Sequence[GroupReading]) -> LagStatus:
    """The status of a group that has something to consume and has committed nothing in the window."""
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
    if committed is None:  # never committed, and nothing new came: perhaps it never consumed this partition
        return LagStatus.OK
    return LagStatus.STALL
