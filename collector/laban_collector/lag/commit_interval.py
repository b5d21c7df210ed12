"""How long a consumer group usually leaves messages uncommitted, learned from its commits. No clock.

A poller sees that an offset has moved between two polls, but not when. So a group that commits every 12 s and
is polled every 5 s seems to commit every 10 or 15 s.
"""

import math
from collections import deque
from collections.abc import Sequence
from statistics import fmean, median
from typing import Final

_UNKNOWN_POLLS: Final = 12
_UNKNOWN: Final = (20 * 10**9, 60 * 10**9)
"""The usual interval of a group of which too few commits are known: so many polls, within these limits (ns).
A minute if polls are 5 s apart."""

LONGEST: Final = 600 * 10**9
"""The longest usual interval (ns): a group that is silent for longer is told to have stopped."""

_KEPT: Final = 30
"""Commits kept."""

_ENOUGH: Final = 3
"""Commits from which an interval is learned."""

_PHASE: Final = 0.25
"""The share of a poll by which an average of intervals may be too short."""

_JITTER: Final = 0.4
"""The share of a poll by which polls may be late."""

_DOUBT: Final = 10.0
"""Waits are spread evenly between 0 and the interval if messages are rare. The chance that none of n waits is
longer than the n-th root of e^-10 of the interval is e^-10."""


class CommitInterval:
    """The commits of one group, in one partition or in all.

    A wait is *whole* if there were messages to commit from one commit to the next; then it is as long as the
    interval. If messages came later, it is shorter.
    """

    def __init__(self) -> None:
        self._whole: deque[int] = deque(maxlen=_KEPT)
        self._partial: deque[int] = deque(maxlen=_KEPT)
        self._between: deque[int] = deque(maxlen=_KEPT)
        self._learned: tuple[int, int | None] | None = None

    def add(self, waited: int, *, whole: bool, since_commit: int | None) -> None:
        """Learn from a commit.

        Args:
            waited: how long messages were seen uncommitted before it, ns.
            whole: whether that began with the commit before.
            since_commit: the time since the commit before, ns; None if unknown.
        """
        (self._whole if whole else self._partial).append(waited)
        if since_commit is not None:
            self._between.append(since_commit)
        self._learned = None

    @property
    def longest(self) -> int:
        """The longest wait, ns, without the longest of all if it is exceptional."""
        return max(_usual([*self._whole, *self._partial]), default=0)

    def patience(self, poll: int) -> int | None:
        """Return the shortest wait that is unusual, ns; None if too few commits are known.

        The first poll after it comes at most three polls after the commit that was due.

        Args:
            poll: the time between two polls, ns.
        """
        if self._learned is None or self._learned[0] != poll:
            self._learned = (poll, self._patience(poll))
        return self._learned[1]

    @property
    def is_exact(self) -> bool:
        """Whether whole waits are known."""
        return len(self._whole) >= _ENOUGH

    def _patience(self, poll: int) -> int | None:
        whole = _usual(self._whole)
        if self.is_exact or (len(whole) > 1 and max(whole) - min(whole) <= poll):
            polls = math.floor(fmean(whole) / poll + _PHASE) + 2
            return round(max(polls * poll, min(self.longest, LONGEST) + poll) - _JITTER * poll)
        if len(self._partial) < _ENOUGH:
            return None
        # Messages are rare. The interval is at most the shortest time between two commits.
        number = len(self._partial) + len(whole)
        bound = min(self.longest * math.exp(_DOUBT / number), min(self._between, default=LONGEST), LONGEST)
        return round(max(bound, min(self.longest, LONGEST)) + (2 - _JITTER) * poll)


def patience_without_knowledge(poll: int) -> int:
    """Return the shortest unusual wait of a group of which too few commits are known, ns."""
    shortest, longest = _UNKNOWN
    return round(min(max(_UNKNOWN_POLLS * poll, shortest), longest) + (2 - _JITTER) * poll)


def _usual(waits: Sequence[int] | deque[int]) -> list[int]:
    """Return the waits without the longest one if it is exceptional: after a stop, or a long rebalance."""
    found = sorted(waits)
    if len(found) > _ENOUGH and found[-1] > 3 * median(found) and found[-2] * 2 < found[-1]:
        del found[-1]
    return found
