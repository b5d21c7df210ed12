"""The time axis of a story: linear while something happens, cut short where everything waits.

An order may be created in 80 ms and have its email sent an hour later; on a straight axis the 80 ms would
be one pixel.
"""

import bisect
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from laban_dashboard import words

_CUT_ABOVE = 2.5
"""A pause is cut when it is so many times longer than all the time in which something happens."""
_CUT_TO = 0.2
_TICKS = 7
_TICKS_APART = 0.085

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cut:
    """A pause that is drawn shorter than it was: from and to on the axis (0 to 1), and how long it was."""

    start: float
    end: float
    label: str


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Milliseconds to places on the axis, 0 to 1, linear between the points.

    Attributes:
        points: (milliseconds, place), both rising.
        ticks: (place, label).
        cuts: the pauses that were cut short.
    """

    points: tuple[Interval, ...]
    ticks: tuple[tuple[float, str], ...]
    cuts: tuple[Cut, ...]

    def place(self, ms: float) -> float:
        """Where this time stands."""
        return _interpolate(self.points, ms)


def time_scale(intervals: Iterable[Interval]) -> TimeScale:
    """The axis for what happened in these intervals, (start, end) in milliseconds from the story's start."""
    busy = _merged(intervals)
    active = sum(end - start for start, end in busy) or 1.0
    raw: list[Interval] = [(busy[0][0], 0.0)]
    pauses: list[tuple[int, float]] = []
    for index, (start, end) in enumerate(busy):
        if index:
            pause = start - raw[-1][0]
            shown = min(pause, _CUT_TO * active) if pause > _CUT_ABOVE * active else pause
            if shown < pause:
                pauses.append((len(raw) - 1, pause))
            raw.append((start, raw[-1][1] + shown))
        raw.append((max(end, start), raw[-1][1] + max(end - start, 0.0)))
    length = raw[-1][1] or 1.0
    points = tuple((ms, at / length) for ms, at in raw)
    cuts = tuple(Cut(points[at][1], points[at + 1][1], words.duration(pause)) for at, pause in pauses)
    return TimeScale(points, _ticks(points, cuts), cuts)


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged or [(0.0, 1.0)]


def _interpolate(points: tuple[Interval, ...], ms: float) -> float:
    if ms <= points[0][0]:
        return 0.0
    if ms >= points[-1][0]:
        return 1.0
    at = bisect.bisect_right([point[0] for point in points], ms)
    (ms0, place0), (ms1, place1) = points[at - 1], points[at]
    return place0 + (place1 - place0) * (ms - ms0) / (ms1 - ms0)


def _ticks(points: tuple[Interval, ...], cuts: tuple[Cut, ...]) -> tuple[tuple[float, str], ...]:
    """Round times, at the same step within every stretch between cuts, none too near another.

    After a cut they count from its end, for "1 h" and "1 h" would tell nothing.
    """
    shown = sum(
        ms1 - ms0
        for (ms0, at0), (ms1, at1) in itertools.pairwise(points)
        if not any(cut.start <= at0 and at1 <= cut.end for cut in cuts)
    )
    step = _round_step((shown or 1.0) / _TICKS)
    ticks: list[tuple[float, str]] = []
    for stretch_start, stretch_end in _commit_ranges(points, cuts):
        for number in range(math.floor((stretch_end - stretch_start) / step) + 1):
            place = _interpolate(points, stretch_start + number * step)
            room = all(not cut.start - _TICKS_APART / 2 < place <= cut.start for cut in cuts)
            if room and (not ticks or place - ticks[-1][0] >= _TICKS_APART):
                ticks.append((round(place, 5), _label(stretch_start, number * step)))
    return tuple(ticks)


def _label(since: float, passed: float) -> str:
    if passed:
        return ("+" if since else "") + words.duration(passed)
    return words.duration(since) if since else "0"


def _commit_ranges(points: tuple[Interval, ...], cuts: tuple[Cut, ...]) -> list[Interval]:
    """The times between the cuts, in milliseconds."""
    starts = {cut.start for cut in cuts}
    ends = {cut.end for cut in cuts}
    edges = [points[0][0]]
    for (ms0, at0), (ms1, at1) in itertools.pairwise(points):
        if at0 in starts and at1 in ends:
            edges += [ms0, ms1]
    edges.append(points[-1][0])
    return list(zip(edges[::2], edges[1::2], strict=True))


def _round_step(least: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)
