"""The time axis of an order's timeline: linear, with long pauses shortened by axis breaks.

An order can take 80 ms to create, and its email can follow an hour later. On a linear axis, the 80 ms would
be one pixel wide.
"""

import bisect
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from laban_mapper.times import format_duration

_BREAK_ABOVE = 2.5
"""A pause is shortened if it is this many times longer than all activity together."""
_BREAK_WIDTH = 0.2
_TICKS = 7
_MIN_TICK_DISTANCE = 0.085

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class AxisBreak:
    """A shortened pause: its start and end on the axis (0 to 1), and its duration as a label."""

    start: float
    end: float
    label: str


@dataclass(frozen=True, slots=True)
class TimeScale:
    """Maps milliseconds to positions on the axis, 0 to 1; linear between the points.

    Attributes:
            points: (milliseconds, position), both ascending.
            ticks: (position, label).
            breaks: the shortened pauses.
    """

    points: tuple[Interval, ...]
    ticks: tuple[tuple[float, str], ...]
    breaks: tuple[AxisBreak, ...]

    def position(self, ms: float) -> float:
        """Return the position of a time."""
        return _interpolate(self.points, ms)


def time_scale(intervals: Iterable[Interval]) -> TimeScale:
    """Build the axis for these intervals, (start, end) in milliseconds since the order started."""
    busy = _merged(intervals)
    active = sum(end - start for start, end in busy) or 1.0
    raw: list[Interval] = [(busy[0][0], 0.0)]
    pauses: list[tuple[int, float]] = []
    for index, (start, end) in enumerate(busy):
        if index:
            pause = start - raw[-1][0]
            shown = min(pause, _BREAK_WIDTH * active) if pause > _BREAK_ABOVE * active else pause
            if shown < pause:
                pauses.append((len(raw) - 1, pause))
            raw.append((start, raw[-1][1] + shown))
        raw.append((max(end, start), raw[-1][1] + max(end - start, 0.0)))
    length = raw[-1][1] or 1.0
    points = tuple((ms, at / length) for ms, at in raw)
    breaks = tuple(
        AxisBreak(points[at][1], points[at + 1][1], format_duration(pause)) for at, pause in pauses
    )
    return TimeScale(points, _ticks(points, breaks), breaks)


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
    (ms0, position0), (ms1, position1) = points[at - 1], points[at]
    return position0 + (position1 - position0) * (ms - ms0) / (ms1 - ms0)


def _ticks(points: tuple[Interval, ...], breaks: tuple[AxisBreak, ...]) -> tuple[tuple[float, str], ...]:
    """Return ticks at round times, with the same step between all breaks and a minimum distance.

    After a break, ticks count from its end: two ticks labelled "1 h" would be useless.
    """
    shown = sum(
        ms1 - ms0
        for (ms0, at0), (ms1, at1) in itertools.pairwise(points)
        if not any(axis_break.start <= at0 and at1 <= axis_break.end for axis_break in breaks)
    )
    step = _round_step((shown or 1.0) / _TICKS)
    ticks: list[tuple[float, str]] = []
    for segment_start, segment_end in _segments(points, breaks):
        for number in range(math.floor((segment_end - segment_start) / step) + 1):
            position = _interpolate(points, segment_start + number * step)
            has_room = all(
                not axis_break.start - _MIN_TICK_DISTANCE / 2 < position <= axis_break.start
                for axis_break in breaks
            )
            if has_room and (not ticks or position - ticks[-1][0] >= _MIN_TICK_DISTANCE):
                ticks.append((round(position, 5), _label(segment_start, number * step)))
    return tuple(ticks)


def _label(since: float, passed: float) -> str:
    if passed:
        return ("+" if since else "") + format_duration(passed)
    return format_duration(since) if since else "0"


def _segments(points: tuple[Interval, ...], breaks: tuple[AxisBreak, ...]) -> list[Interval]:
    """Return the intervals between the breaks, in milliseconds."""
    starts = {axis_break.start for axis_break in breaks}
    ends = {axis_break.end for axis_break in breaks}
    edges = [points[0][0]]
    for (ms0, at0), (ms1, at1) in itertools.pairwise(points):
        if at0 in starts and at1 in ends:
            edges += [ms0, ms1]
    edges.append(points[-1][0])
    return list(zip(edges[::2], edges[1::2], strict=True))


def _round_step(least: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)
