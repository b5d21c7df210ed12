"""The timeline of a story in HTML: a lane for each service, bars for steps, dashes for times in queues."""

from collections.abc import Iterator
from html import escape
from typing import Final

from laban_mapper.model import Story
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.lanes import Bar, Lane, bars_of, packed
from laban_mapper.story.forms.rows import Rows, stood_for
from laban_mapper.story.logs import LogsBySteps, is_bad, worst
from laban_mapper.story.time_scale import TimeScale, time_scale
from laban_mapper.story.timeline import since_start
from laban_mapper.times import format_duration

_MAX_LANES: Final = 40
_ROW: Final = 22
_TOP: Final = 4
_MAX_MARKS: Final = 20
"""Log records that are marked at a bar."""
_LOG_WIDTH: Final = 200
_NEAR_THE_END: Final = 0.94
"""The place on the axis from which on a label stands before its line, or it would be cut off."""
_LEGEND: Final = (
    '<p class="legend"><span><i class="critical"></i>critical path</span>'
    "<span><i></i>other steps</span>"
    '<span><i class="failed"></i>failed</span>'
    '<span><i class="queue"></i>message in a queue</span></p>'
)

_LOGGED: Final = '<span><i class="logged"></i>log record</span>'


def lanes(story: Story, shown: Rows) -> Iterator[str]:
    """The section of the timeline."""
    bars = bars_of(story, shown.chapters)
    if not bars:
        return
    scale = time_scale((bar.begin, bar.end) for bar in bars)
    found = packed(bars)
    logs = LogsBySteps(story)
    legend = _LEGEND.replace("</p>", _LOGGED + "</p>") if story.logs else _LEGEND
    yield f'<section><h2>Timeline</h2>{legend}<div class="lanes">'
    yield f'<div class="name axis"></div><div class="track axis">{_axis(scale)}</div>'
    for lane in found[:_MAX_LANES]:
        yield _lane(lane, scale, story, logs)
    yield "</div>"
    if len(found) > _MAX_LANES:
        rest = phrases.count(len(found) - _MAX_LANES, "more service")
        yield f'<p class="dim">… and {rest}: see the steps below</p>'
    yield "</section>"


def _axis(scale: TimeScale) -> str:
    ticks = "".join(
        f'<span class="tick{" last" * (at > _NEAR_THE_END)}" style="left:{_at(at)}">{escape(label)}</span>'
        for at, label in scale.ticks
    )
    return _gaps(scale, labels=True) + ticks


def _gaps(scale: TimeScale, *, labels: bool = False) -> str:
    """The pauses that the axis shortens."""
    return "".join(
        f'<div class="gap" style="left:{_at(gap.start)};width:{_at(gap.end - gap.start)}">'
        f"{f'<span>{escape(gap.label)}</span>' if labels else ''}</div>"
        for gap in scale.breaks
    )


def _lane(lane: Lane, scale: TimeScale, story: Story, logs: LogsBySteps) -> str:
    about = [phrases.corrected(story, lane.service)]
    about.append(f"{phrases.count(lane.left_out, 'step')} only in the list" if lane.left_out else "")
    below = "".join(f'<span class="dim">{escape(text)}</span>' for text in about if text)
    grid = "".join(f'<div class="grid" style="left:{_at(at)}"></div>' for at, _ in scale.ticks)
    bars = "".join(
        _bar(bar, row, scale, story) + _marks(bar, row, scale, logs)
        for row, found in enumerate(lane.rows)
        for bar in found
    )
    height = len(lane.rows) * _ROW + 2 * _TOP
    return (
        f'<div class="name">{escape(phrases.name(lane.service))}{below}</div>'
        f'<div class="track" style="min-height:{height}px">{_gaps(scale)}{grid}{bars}</div>'
    )


def _bar(bar: Bar, row: int, scale: TimeScale, story: Story) -> str:
    line, step = bar.line, bar.line.step
    left, right = scale.position(bar.start), scale.position(bar.end)
    top = _TOP + row * _ROW
    names = ["bar"]
    names += ["narrow"] if right - left < 0.01 else []
    names += ["critical"] if phrases.critical(line) else []
    names += ["failed"] if step.status == "error" else []
    label = phrases.operation(step) + (f" × {len(line.equal):,}" if line.equal else "")
    text = "" if right - left < 0.01 else escape(label)
    around = _queue(bar, left, top, scale), _sections(bar, top, scale)
    return (
        f'{around[0]}<div class="{" ".join(names)}" title="{escape(_title(bar, label, story))}" '
        f'style="left:{_at(left)};width:{_at(right - left)};top:{top}px">{text}</div>{around[1]}'
    )


def _marks(bar: Bar, row: int, scale: TimeScale, logs: LogsBySteps) -> str:
    """A mark at the time of each log record; of too many, the worst."""
    return "".join(
        f'<div class="logged{" failed" * is_bad(log)}" '
        f'title="{escape(phrases.when(max(log.start_ms, 0.0)))} {escape(phrases.logged(log, _LOG_WIDTH))}" '
        f'style="left:{_at(scale.position(log.start_ms))};top:{_TOP + row * _ROW - 3}px"></div>'
        for log in worst(logs.of(stood_for(bar.line)), _MAX_MARKS)
    )


def _sections(bar: Bar, top: int, scale: TimeScale) -> str:
    return "".join(
        f'<div class="section" style="left:{_at(left)};width:{_at(right - left)};top:{top + 14}px"></div>'
        for left, right in bar.sections(scale)
    )


def _queue(bar: Bar, left: float, top: int, scale: TimeScale) -> str:
    if not bar.waited:
        return ""
    begin = scale.position(bar.begin)
    title = f"waited {format_duration(bar.waited)} in the queue"
    return (
        f'<div class="queued" title="{escape(title)}" '
        f'style="left:{_at(begin)};width:{_at(left - begin)};top:{top + 4}px"></div>'
    )


def _title(bar: Bar, label: str, story: Story) -> str:
    line = bar.line
    critical, error = phrases.critical(line), phrases.error(line.step)
    parts = [
        f"{phrases.name(line.step.service)} {label}",
        f"{phrases.when(since_start(story, line.step))}, {phrases.took(line)}",
        f"critical {critical}" if critical else "",
        error or "",
    ]
    return " · ".join(part for part in parts if part)


def _at(share: float) -> str:
    return f"{100 * share:.3f}%"
