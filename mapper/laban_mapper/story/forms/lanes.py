"""A story as lanes: one for each service, with the bars of its steps packed into rows without overlaps."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from laban_mapper.model import Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.rows import ShownChapter, stood_for
from laban_mapper.story.time_scale import TimeScale
from laban_mapper.story.timeline import Line, since_start

_MAX_ROWS: Final = 12
"""Bars on top of each other in one lane."""
_NARROW: Final = 0.001
"""The share of the axis below which the space between two sections cannot be seen."""
_MAX_SECTIONS: Final = 50


@dataclass(slots=True)
class Bar:
    """The steps of a line, in ms after the start of the story; `waited` ms in a queue before."""

    line: Line
    start: float
    end: float
    waited: float | None = None

    @property
    def begin(self) -> float:
        """Where the bar or the time in the queue before it begins."""
        return self.start - (self.waited or 0.0)

    def sections(self, scale: TimeScale) -> list[tuple[float, float]]:
        """The parts on the critical path, on a scale; parts that nothing visible divides are one."""
        if not phrases.critical(self.line):
            return []
        found: list[tuple[float, float]] = []
        for begin, end in sorted(part for step in stood_for(self.line) for part in step.critical_sections):
            left, right = scale.position(max(begin, self.start)), scale.position(min(end, self.end))
            if found and left - found[-1][1] < _NARROW:
                found[-1] = (found[-1][0], max(right, found[-1][1]))
            elif right >= left:
                found.append((left, right))
        return found[:_MAX_SECTIONS]


@dataclass(slots=True)
class Lane:
    """The bars of a service, in rows without overlaps.

    Attributes:
        service: its name as it was sent.
        rows: the bars.
        left_out: steps for which there was no room.
    """

    service: str
    rows: list[list[Bar]] = field(default_factory=list[list[Bar]])
    left_out: int = 0
    _ends: list[float] = field(default_factory=list[float])

    def add(self, bar: Bar) -> None:
        """Put a bar in the first row with room for it."""
        for row, end in enumerate(self._ends):
            if bar.begin >= end:
                self.rows[row].append(bar)
                self._ends[row] = bar.end
                return
        if len(self.rows) < _MAX_ROWS:
            self.rows.append([bar])
            self._ends.append(bar.end)
        else:
            self.left_out += bar.line.stands_for


def bars_of(story: Story, shown: Sequence[ShownChapter]) -> list[Bar]:
    """The bars of some chapters."""
    bars = []
    for chapter in shown:
        for number, line in enumerate(chapter.lines):
            steps = line.equal or [line.step]
            start = min(since_start(story, step) for step in steps)
            end = max(since_start(story, step) + step.duration_ms for step in steps)
            waited = chapter.wait.ms if number == 0 and chapter.wait is not None else None
            bars.append(Bar(line, start, end, waited))
    return bars


def packed(bars: Sequence[Bar]) -> list[Lane]:
    """The lanes, by their first bar."""
    found: dict[str, Lane] = {}
    for bar in sorted(bars, key=lambda bar: (bar.begin, -bar.end)):
        service = bar.line.step.service
        found.setdefault(service, Lane(service)).add(bar)
    return list(found.values())
