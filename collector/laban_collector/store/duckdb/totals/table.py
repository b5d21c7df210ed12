"""The series of the totals: at most a fixed number, each of which stays; the rest count as other."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from laban_collector.store.duckdb.totals.changes import Amounts
from laban_collector.store.duckdb.totals.naming import Share
from laban_collector.store.edge_totals import BOUNDS, OTHER, EdgeTotal, SeriesKey, Times, TimesName

_IDLE: Final = 24 * 3600
"""Seconds without a call after which a series gives its place to another one that needs it."""
_MOST_COUNTED: Final = 100_000
"""Distinct edges without a place that are counted."""


@dataclass(slots=True)
class Histogram:
    """A histogram that grows; see `Times`."""

    elapsed: int = 0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def add(self, bound: int, timed: int, elapsed: int) -> None:
        """Add some latencies of one bound."""
        self.counts[bound] += timed
        self.elapsed += elapsed

    def frozen(self) -> Times:
        """Return its values now."""
        return Times(self.elapsed, tuple(self.counts))


@dataclass(slots=True)
class Series:
    """The totals of one edge; `last` is when it last grew, seconds since the epoch."""

    last: int = 0
    calls: int = 0
    errors: int = 0
    served: Histogram = field(default_factory=Histogram)
    called: Histogram = field(default_factory=Histogram)
    queued: Histogram = field(default_factory=Histogram)

    def histogram(self, name: TimesName) -> Histogram:
        """Return the histogram of a name."""
        match name:
            case "served":
                return self.served
            case "called":
                return self.called
            case "queued":
                return self.queued

    def frozen(self, key: SeriesKey) -> EdgeTotal:
        """Return the totals now."""
        return EdgeTotal(
            key, self.calls, self.errors, self.served.frozen(), self.called.frozen(), self.queued.frozen()
        )


class SeriesTable:
    """All series, and which edges have one.

    The first edges have a series, of those that come together the busiest. An edge keeps it, because its
    counter would go back otherwise: it gives its place away only after a day without a call.

    Args:
        most: edges with a series of their own.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.series: dict[SeriesKey, Series] = {}
        self._places = 0
        self._without: set[int] = set()
        self.changed: set[SeriesKey] = set()
        """The series that have grown since this set was cleared."""
        self.removed: set[SeriesKey] = set()
        """The series that have given their place away since then."""

    @property
    def left_out(self) -> int:
        """Distinct edges that have been counted as other since the start."""
        return len(self._without)

    def load(self, key: SeriesKey, series: Series) -> None:
        """Add a stored series."""
        self.series[key] = series
        self._places += not _is_other(key)

    def add(self, shares: Iterable[tuple[Share, Amounts, int | None]], now: int) -> None:
        """Add amounts, each with the bound of its latencies; `now` is in seconds since the epoch."""
        ordered = sorted(shares, key=lambda one: -one[1].calls)
        for share, amounts, bound in ordered:
            grows = share.calls and amounts.calls
            fails = share.errors and amounts.errors
            timed = share.times is not None and bound is not None and amounts.timed
            if not (grows or fails or timed):
                continue
            key, series = self._place(share.series, now)
            series.last = now
            series.calls += amounts.calls if grows else 0
            series.errors += amounts.errors if fails else 0
            if share.times is not None and bound is not None:
                series.histogram(share.times).add(bound, amounts.timed, amounts.elapsed)
            self.changed.add(key)

    def _place(self, key: SeriesKey, now: int) -> tuple[SeriesKey, Series]:
        series = self.series.get(key)
        if series is not None:
            return key, series
        if not _is_other(key) and not self._has_room(now):
            if len(self._without) < _MOST_COUNTED:
                self._without.add(hash(key))
            key = SeriesKey(key.kind, OTHER, OTHER, key.connection)
        if key not in self.series:
            self.load(key, Series())
        self.removed.discard(key)
        return key, self.series[key]

    def _has_room(self, now: int) -> bool:
        if self._places < self._most:
            return True
        idle = min(
            (key for key in self.series if not _is_other(key)),
            key=lambda key: self.series[key].last,
            default=None,
        )
        if idle is None or self.series[idle].last > now - _IDLE:
            return False
        del self.series[idle]
        self.changed.discard(idle)
        self.removed.add(idle)
        self._places -= 1
        return True


def _is_other(key: SeriesKey) -> bool:
    return key.client == key.server == OTHER
