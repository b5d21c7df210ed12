"""Producers and consumers whose offsets a poller reads, without a broker: time is a number."""

import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, count, takewhile

from laban_collector.lag.evaluation import LagTracker, Log, Offsets, Partition
from laban_collector.store.rows import Lag

SECOND = 1_000_000_000
TOPIC = "orders"
GROUP = "email"


def seeded(*seed: object) -> random.Random:
    """A source of chance that is the same in every run."""
    return random.Random(repr(seed))  # noqa: S311 - nothing secret


@dataclass(frozen=True)
class Group:
    """A group that reads all partitions and commits periodically.

    Attributes:
        every: seconds between two commits.
        first: seconds of the first one.
        latency: seconds from a message to its consumption.
        capacity: messages per second in each partition; None: any number.
        stops: seconds at which the group stops; None: never.
        jitter: seconds by which a commit may be late.
        behind: offsets by which each commit is lower than the next offset to read.
    """

    every: float
    first: float
    latency: float = 0.2
    capacity: float | None = None
    stops: float | None = None
    jitter: float = 0.0
    behind: int = 0


def steady(rate: float, until: float, draw: random.Random) -> list[float]:
    """The times of messages at a constant rate."""
    return _times((1 / rate for _ in count()), draw.random() / rate, until)


def poisson(rate: float, until: float, draw: random.Random) -> list[float]:
    """The times of messages that come independently of each other."""
    return _times((draw.expovariate(rate) for _ in count()), draw.random() / rate, until)


def bursts(rate: float, until: float, draw: random.Random) -> list[float]:
    """The times of messages that come in bursts of about a minute's messages."""
    size = max(2, round(rate * 60))
    times: list[float] = []
    for begin in _times((draw.uniform(20, 100) for _ in count()), draw.uniform(0, 60), until):
        times += sorted(begin + draw.random() * 3 for _ in range(draw.randint(1, size)))
    return sorted(time for time in times if time < until)


def _times(gaps: Iterator[float], first: float, until: float) -> list[float]:
    return list(takewhile(lambda time: time < until, accumulate(gaps, initial=first)))


@dataclass
class Simulation:
    """One topic and one group, from the first poll on.

    Attributes:
        messages: the times of the messages of each partition.
        group: the consumers.
        poll: seconds between two polls.
        phase: seconds of the first poll.
        draw: the source of chance.
    """

    messages: Sequence[Sequence[float]]
    group: Group
    poll: float
    phase: float
    draw: random.Random
    commits: list[float] = field(default_factory=list[float])

    def rows(self, until: float) -> Iterator[tuple[float, list[Lag]]]:
        """Yield the time (s) and the rows of each poll."""
        tracker = LagTracker("cluster")
        positions = [self._positions(times, until) for times in self.messages]
        for number in count():
            now = self.phase + number * self.poll + self.draw.uniform(0, 0.04 * self.poll)
            if now >= until:
                return
            read = bisect_right(self.commits, now)
            logs = {
                Partition(TOPIC, index): Log(0, bisect_right(times, now))
                for index, times in enumerate(self.messages)
            }
            committed = {
                Partition(TOPIC, index): position[read - 1] if read else 0
                for index, position in enumerate(positions)
            }
            rows = tracker.observe(round(now * SECOND), Offsets(logs, {GROUP: committed}))
            yield now, [row for row in rows if isinstance(row, Lag)]

    def _positions(self, times: Sequence[float], until: float) -> list[int]:
        """The offsets of a partition at each commit."""
        group = self.group
        if not self.commits:
            ticks = (group.first + number * group.every for number in count())
            last = until if group.stops is None else min(until, group.stops)
            self.commits = list(
                takewhile(lambda at: at < last, (at + self.draw.uniform(0, group.jitter) for at in ticks))
            )
        positions: list[int] = []
        position, before = 0.0, 0.0
        for at in self.commits:
            there = bisect_right(times, at - group.latency)
            most = there if group.capacity is None else position + group.capacity * (at - before)
            position, before = min(float(there), most), at
            positions.append(max(int(position) - group.behind, 0))
        return positions
