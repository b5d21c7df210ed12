"""The status of a consumer group in one partition, from the readings of its offsets. No I/O and no clock.

The statuses are those of Burrow (https://github.com/linkedin/Burrow/wiki/Consumer-Lag-Evaluation-Rules). They
are derived from offsets alone: a poller sees the committed offset, but not the time of the commit, nor a
commit of the same offset. Lag between two commits says nothing, because it grows until the next commit; so
commits are compared with each other, and the time without one with the usual interval of the group.
"""

import math
from collections import deque
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from laban_collector.lag.commit_interval import CommitInterval, patience_without_knowledge

REST: Final = 1
"""Messages that may stay uncommitted for ever: the control record at the end of a transaction, or the last
message if a client commits its offset instead of the next one."""

REWIND_WINDOW: Final = 6
"""Readings among which a decrease of the committed offset, or of the end, is shown."""

_WINDOW: Final = 12
"""Polls over which lag must have grown; a minute at the default interval."""

_INTERVALS: Final = 4
"""Commit intervals over which lag must have grown, if that is longer."""

_LONG: Final = 4
"""The long window, in windows: a group that is only a little too slow falls behind slowly."""

_COMMITS: Final = 64
"""Commits kept for the long window."""

_FEWEST: Final = 4
"""Commits from which a trend is known."""

_CHANCE: Final = 3.0
"""Standard deviations of the number of messages that a lag must have grown by, if they come independently."""

_HOLE: Final = 2.5
"""Polls without a reading after which it is unknown what happened in between."""


class LagStatus(StrEnum):
    """The status of a group in one partition."""

    OK = "OK"
    """It keeps up or reduces its lag, or nothing else is known."""
    WARN = "WARN"
    """It commits, but its lag grows."""
    STALL = "STALL"
    """It has not committed for longer than usual although there are messages to consume."""
    STOP = "STOP"
    """The same while the log grows, and the group has no members as far as is known."""
    REWIND = "REWIND"
    """Its committed offset has decreased or is past the end, or the topic was made anew."""


class GroupReading(NamedTuple):
    """Offsets at a time (ns): committed by the group (None without a commit), and the end and start of the
    log."""

    time: int
    committed: int | None
    end: int
    start: int = 0

    @property
    def lag(self) -> int | None:
        """Messages in the log that the group has not committed; 0 if it committed past the end."""
        return None if self.committed is None else max(self.end - max(self.committed, self.start), 0)

    @property
    def lost(self) -> int:
        """Messages after the committed offset that retention has deleted."""
        return 0 if self.committed is None else max(min(self.start, self.end) - self.committed, 0)


class _Commit(NamedTuple):
    """A commit between two readings: its lag to the end before it, and to the end after it."""

    at: int
    end: int
    least: int
    most: int


class GroupHistory:
    """Follows a group in one partition.

    Args:
        shared: the commits of the group in all partitions; this history adds its own.
    """

    def __init__(self, shared: CommitInterval) -> None:
        self._shared = shared
        self._own = CommitInterval()
        self._last: GroupReading | None = None
        self._restart()

    def _restart(self) -> None:
        self._commits: deque[_Commit] = deque(maxlen=_COMMITS)
        self._clock = 0
        """Time that was observed, ns: polls that failed do not count."""
        self._committed_at: int | None = None
        self._waited = 0
        """How long there have been messages to commit, ns."""
        self._whole = False
        """Whether that began with a commit."""
        self._resting = True
        """Whether nothing but a rest has followed the newest commit."""
        self._seamless = True
        """Whether no readings have been missed since the newest commit."""
        self._end_at_commit: int | None = None
        self._rewinding = 0

    def observe(self, reading: GroupReading, poll: int, members: int | None = None) -> LagStatus:
        """Return the status at a reading.

        Args:
            reading: the newest.
            poll: the usual time between two readings, ns.
            members: of the group; None if unknown.
        """
        last, self._last = self._last, reading
        if self._end_at_commit is None:
            self._end_at_commit = reading.end
        self._rewinding = max(self._rewinding - 1, 0)
        if last is None:
            self._resting = reading.lag == REST
        else:
            self._follow(last, reading, poll)
        if _is_past_the_end(last, reading):
            return LagStatus.REWIND
        if reading.lag == 0:
            return LagStatus.OK
        if self._rewinding:
            return LagStatus.REWIND
        if self._uncommitted(reading) <= REST:
            return LagStatus.OK
        if self._waited >= self._patience(poll):
            return LagStatus.STOP if self._has_stopped(reading, members) else LagStatus.STALL
        return LagStatus.WARN if self._falls_behind(poll) else LagStatus.OK

    def _follow(self, last: GroupReading, reading: GroupReading, poll: int) -> None:
        elapsed = reading.time - last.time
        if elapsed > _HOLE * poll:
            elapsed, self._seamless = poll, False
        self._clock += elapsed
        if reading.end < last.end:
            self._restart()
            self._end_at_commit = reading.end
            self._rewinding = REWIND_WINDOW - 1
        elif last.committed is not None and (reading.committed is None or reading.committed < last.committed):
            self._restart()
            self._end_at_commit = reading.end
            self._rewinding = REWIND_WINDOW - 1 if reading.committed is not None else 0
        elif reading.committed != last.committed:
            self._commit(last, reading, self._waited + elapsed)
        else:
            self._wait(last, reading, elapsed, poll)

    def _commit(self, last: GroupReading, reading: GroupReading, waited: int) -> None:
        """Follow a reading with a higher committed offset."""
        if self._seamless and self._end_at_commit is not None:
            since = None if self._committed_at is None else self._clock - self._committed_at
            for interval in (self._own, self._shared):
                interval.add(waited, whole=self._whole, since_commit=since)
        position = max(reading.committed or 0, reading.start)
        self._commits.append(
            _Commit(self._clock, reading.end, max(last.end - position, 0), max(reading.end - position, 0))
        )
        self._committed_at, self._end_at_commit = self._clock, reading.end
        self._waited, self._seamless = 0, True
        self._resting = self._commits[-1].most == REST
        self._whole = self._commits[-1].most > REST

    def _wait(self, last: GroupReading, reading: GroupReading, elapsed: int, poll: int) -> None:
        """Follow a reading with the same committed offset."""
        before, now = self._uncommitted(last), self._uncommitted(reading)
        if now == 0:
            self._waited, self._resting = 0, False
        elif self._resting:
            self._resting = now <= REST
            # The next commit is due as soon after the one before, if there are messages for it by then.
            self._whole = not self._resting and self._committed_at == self._clock - elapsed
            self._waited = elapsed if self._whole else 0
        elif before == 0 or (before <= REST < now and not self._is_soon(poll)):
            # What lay at the end for longer than usual may be no message: only the next one waits.
            self._waited = 0
        else:
            self._waited += elapsed

    def _uncommitted(self, reading: GroupReading) -> int:
        """Return the lag; without a commit, by how much the log has grown."""
        if reading.lag is not None:
            return reading.lag
        return reading.end - (reading.end if self._end_at_commit is None else self._end_at_commit)

    def _is_soon(self, poll: int) -> bool:
        """Whether a commit may still come for what waits, of a group that has committed all of the log."""
        return bool(self._commits) and self._is_known(poll) and self._waited < self._patience(poll)

    def _is_known(self, poll: int) -> bool:
        return any(one.patience(poll) is not None for one in (self._own, self._shared))

    def _patience(self, poll: int) -> int:
        """Return the time without a commit (ns) that is unusual."""
        own, shared = self._own.patience(poll), self._shared.patience(poll)
        if own is not None and (shared is None or self._own.is_exact):
            return own
        if shared is None:
            return patience_without_knowledge(poll)
        # Other partitions tell more, but messages may take longer in this one.
        shared = max(shared, self._own.longest + poll)
        return shared if own is None else min(own, shared)

    def _has_stopped(self, reading: GroupReading, members: int | None) -> bool:
        """Whether a group without commits has stopped: the log grows, and nobody is known to read it."""
        return not members and self._end_at_commit is not None and reading.end > self._end_at_commit

    def _falls_behind(self, poll: int) -> bool:
        """Whether the lag at the commits has certainly grown, in a short or a long window."""
        if len(self._commits) < _FEWEST or self._commits[-1].least <= REST:
            return False
        commits = list(self._commits)
        if _has_fallen(commits):
            return False
        window = max(_WINDOW * poll, _INTERVALS * (self._patience(poll) - poll))
        return _has_grown(commits, window) or _has_grown(commits, _LONG * window)


def evaluate(history: Sequence[GroupReading]) -> LagStatus:
    """Return the status of a group in a partition; the newest reading is the last one."""
    found = GroupHistory(CommitInterval())
    poll = round(median([after.time - before.time for before, after in pairwise(history)] or [1]))
    status = LagStatus.OK
    for reading in history:
        status = found.observe(reading, poll)
    return status


def _is_past_the_end(last: GroupReading | None, reading: GroupReading) -> bool:
    """Whether the committed offset is past the end of the log.

    Offsets and ends are read one after the other, so a group that moves may seem to be ahead of a log that
    grows.
    """
    if reading.committed is None or reading.committed <= reading.end:
        return False
    if last is None or last.committed is None or reading.committed <= last.committed:
        return True
    return reading.committed - reading.end > reading.end - last.end


def _has_grown(commits: Sequence[_Commit], window: int) -> bool:
    """Whether the newest commit has more lag than each in the first quarter of a window, whatever happened
    between the readings, and the commits of the second half all have lag."""
    newest = commits[-1]
    recent = [commit for commit in commits if newest.at - commit.at <= window]
    if len(recent) < _FEWEST or newest.at - recent[0].at < 0.75 * window:
        return False
    first = [commit.most for commit in recent if newest.at - commit.at >= 0.75 * window]
    second = [commit.least for commit in recent if newest.at - commit.at <= 0.5 * window]
    return newest.least > max(first) + _by_chance(recent[0], newest) and min(second) > REST


def _has_fallen(commits: Sequence[_Commit]) -> bool:
    """Whether the newest commit certainly has less lag than another of the newest."""
    newest = commits[-1]
    return any(newest.most < commit.least - _by_chance(commit, newest) for commit in commits[-6:])


def _by_chance(before: _Commit, after: _Commit) -> float:
    """Return by how many messages a lag may differ because messages come when they come."""
    return _CHANCE * math.sqrt(after.end - before.end)
