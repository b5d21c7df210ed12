"""Sketches of durations: counts by bucket, which can be added up and subtracted.

A bucket holds the durations between two powers of e^(1/16), so a quantile is exact to about 3 %.
"""

import math
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Final

_PER_E: Final = 16


class Measure(IntEnum):
    """What is counted for a step. Times are those of visits and calls that did not fail."""

    SEEN = 0
    """Traces with the step below a step that did not fail; bucket 0."""
    OK = 1
    """Traces in which the step occurred and did not fail; bucket 0."""
    OWN = 2
    """The time of a visit without the calls below it; of a call to a callee without spans: its duration."""
    GAP = 3
    """The duration of a call without that of its server half: the network, or both ends."""
    WAIT = 4
    """The time of a message in the queue."""
    DELAY = 5
    """From the begin of the step above to the begin of the step."""
    VISITS = 6
    """How often the step occurs in a trace that has it; the bucket is the number."""
    REPLY = 7
    """The duration of the entry, or of the work on a message: calls included."""
    WHOLE = 8
    """From the begin of the entry until everything that follows from it has ended."""


def bucket_of(ns: int) -> int:
    """The bucket of a duration in ns."""
    return math.floor(_PER_E * math.log(ns)) if ns > 1 else 0


def middle_of(bucket: int) -> float:
    """The duration in the middle of a bucket, in ns."""
    return math.exp((bucket + 0.5) / _PER_E) if bucket > 0 else 0.0


class Sketch:
    """Counts by bucket.

    Attributes:
        count: how many values were counted.
    """

    def __init__(self, buckets: Iterable[tuple[int, int]] = ()) -> None:
        self._buckets: dict[int, int] = {}
        self._sorted: list[tuple[int, int]] | None = None
        self.count = 0
        self.add(buckets)

    def add(self, buckets: Iterable[tuple[int, int]], sign: int = 1) -> None:
        """Add counts, or subtract them with `sign` -1; a count does not fall below 0."""
        for bucket, count in buckets:
            self._buckets[bucket] = max(self._buckets.get(bucket, 0) + sign * count, 0)
        self._sorted = None
        self.count = sum(self._buckets.values())

    def buckets(self) -> Sequence[tuple[int, int]]:
        """(bucket, count), by bucket."""
        if self._sorted is None:
            self._sorted = sorted((bucket, count) for bucket, count in self._buckets.items() if count)
        return self._sorted

    def quantile(self, share: float) -> float:
        """The duration in ns below which this share of the values lies; 0 without values."""
        rank = share * (self.count - 1)
        reached = 0
        for bucket, count in self.buckets():
            reached += count
            if reached > rank:
                return middle_of(bucket)
        return 0.0

    @property
    def median(self) -> float:
        """The median in ns."""
        return self.quantile(0.5)

    @property
    def longest(self) -> float:
        """The longest value in ns."""
        return self.quantile(1.0)
