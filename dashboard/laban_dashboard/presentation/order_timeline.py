"""The timeline of an order: lanes with bars, rows with details, both on one axis of time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from laban_dashboard.presentation import formatting
from laban_mapper.model import Step, Story, StoryLog
from laban_mapper.printable import printable
from laban_mapper.story.forms import phrases
from laban_mapper.story.forms.lanes import Bar, Lane, bars_of, packed
from laban_mapper.story.forms.rows import rows, stood_for
from laban_mapper.story.logs import LogsBySteps, is_alarming, is_bad, level, said, worst
from laban_mapper.story.time_scale import TimeScale, time_scale
from laban_mapper.story.timeline import Line, since_start

DEFAULT_KEY: Final = "order"
FINAL_AFTER: Final = timedelta(minutes=2)
_MAX_ROWS: Final = 600
"""The most rows of a timeline; beyond them, only other errors have one, at most twice as many."""
_MAX_LANES: Final = 40
_MAX_BARS: Final = 60
"""The most bars of equal steps in one row."""
_MAX_LOGS: Final = 20
"""The most log records of one row."""
_MAX_OTHER_LOGS: Final = 50
"""The most log records that name no step."""
_ALL_LOGS: Final = 1_000
_LOG_WIDTH: Final = 500
_OPEN: Final = 3
"""The most rows with an error whose details are open at first."""


class CachedStory(NamedTuple):
    """A story, and the time until which the page reuses it."""

    key: str
    value: str
    until: datetime
    story: Story


def parse_query(text: str) -> tuple[str, str]:
    """Parse the search text: `1001` is an order, `customer=42` another business key."""
    key, equals, value = text.strip().partition("=")
    if equals and key.strip() and value.strip():
        return key.strip(), value.strip()
    return DEFAULT_KEY, text.strip()


def is_final(story: Story, now: datetime) -> bool:
    """Return whether the story can no longer change, so that the page can query it less often."""
    ended = story.started + timedelta(milliseconds=story.duration_ms)
    return story.outcome in ("ok", "ok_with_errors", "failed") and now - ended > FINAL_AFTER


def timeline_data(story: Story, timezone: tzinfo, *, fold: bool = True) -> dict[str, object]:
    """Return the data for the timeline component; positions are on the axis, from 0 to 1.

    Args:
        story: the story.
        timezone: of the reader.
        fold: whether a row may stand for several steps: equal ones, both sides of a call, small ones.
    """
    shown = rows(story, _MAX_ROWS, fold=fold)
    logs = _ShownLogs(story, timezone)
    bars = bars_of(story, shown.chapters)
    scale = time_scale(_extent(story, bar) for bar in bars)
    logged = {id(bar): logs.of(bar, scale) for bar in bars}
    lanes = packed(bars)
    names = {id(bar): f"row-{index}" for index, bar in enumerate(bars)}
    cut = phrases.count(len(lanes) - _MAX_LANES, "more service") if len(lanes) > _MAX_LANES else ""
    return {
        "services": [phrases.name(lane.service) for lane in lanes],
        "ticks": [list(tick) for tick in scale.ticks],
        "breaks": [{"start": gap.start, "end": gap.end, "label": gap.label} for gap in scale.breaks],
        "lanes": [_lane(lane, story, scale, names, logged) for lane in lanes[:_MAX_LANES]],
        "steps": [_row(bar, story, scale, timezone, names[id(bar)]) | logged[id(bar)] for bar in bars],
        "other_logs": logs.others(),
        "logs_left_out": logs.left_out(),
        "opened": _opened(bars, story, names),
        "left_out": ", ".join(filter(None, [cut, _hidden(shown.hidden)])),
    }


def folds_anything(story: Story) -> bool:
    """Return whether a row of the folded timeline stands for several steps."""
    lines = [line for chapter in rows(story, _MAX_ROWS).chapters for line in chapter.lines]
    return any(line.stands_for > 1 for line in lines)


def _hidden(steps: int) -> str:
    return phrases.count(steps, "more step") if steps else ""


def _extent(story: Story, bar: Bar) -> tuple[float, float]:
    """When a row begins and ends; the caller's side of a call is longer."""
    start, end = bar.start, bar.end
    if bar.line.caller is not None:
        at = since_start(story, bar.line.caller)
        start, end = min(start, at), max(end, at + bar.line.caller.duration_ms)
    return start, end


def _opened(bars: Sequence[Bar], story: Story, names: Mapping[int, str]) -> list[str]:
    """Return the rows to open: those that prove the first cause, or else the deepest errors."""
    failed = [bar for bar in bars if bar.line.step.status == "error"]
    proof = set(story.causes[0].spans) if story.causes else set[str]()
    proven = [bar for bar in failed if bar.line.step.span_id in proof]
    deepest = sorted(failed, key=lambda bar: -bar.line.depth)
    return [names[id(bar)] for bar in (proven or deepest)[:_OPEN]]


class _ShownLogs:
    """The log records of a story for its rows; bounded, the worst of too many.

    Args:
        story: the story.
        timezone: of the reader.
    """

    def __init__(self, story: Story, timezone: tzinfo) -> None:
        self._story = story
        self._timezone = timezone
        self._by_steps = LogsBySteps(story)
        self._room = _ALL_LOGS
        self._left = len(story.logs)

    def of(self, bar: Bar, scale: TimeScale) -> dict[str, object]:
        """Return what a row says of the records of its steps."""
        found = self._by_steps.of(stood_for(bar.line))
        if not found:
            return {"logs": [], "more_logs": ""}
        shown = self._shown(found, _MAX_LOGS)
        return {
            "logs": [self._log(log) | {"at": scale.position(log.start_ms)} for log in shown],
            "more_logs": _more(len(found) - len(shown)),
        }

    def others(self) -> list[dict[str, object]]:
        """Return the records that name no step of the story."""
        return [self._log(log) for log in self._shown(self._by_steps.others, _MAX_OTHER_LOGS)]

    def left_out(self) -> str:
        """Say which records are not shown; nothing if all are."""
        story = self._story
        parts = [
            f"{phrases.count(self._left, 'log record')} of the story" if self._left else "",
            f"{phrases.count(story.logs_left_out, 'log record')} of the same traces, of spans that are no "
            "steps here"
            if story.logs_left_out
            else "",
            "log records beyond those that were read" if story.logs_truncated else "",
        ]
        return ", ".join(filter(None, parts))

    def _shown(self, found: Sequence[StoryLog], most: int) -> list[StoryLog]:
        shown = worst(found, min(most, self._room))
        self._room -= len(shown)
        self._left -= len(shown)
        return shown

    def _log(self, log: StoryLog) -> dict[str, object]:
        return {
            "tone": "bad" if is_bad(log) else "warn" if is_alarming(log) else "",
            "level": level(log) or "LOG",
            "when": phrases.when(max(log.start_ms, 0.0)),
            "time": _clocks(log.time, self._timezone),
            "service": phrases.name(log.service),
            "text": said(log, _LOG_WIDTH),
        }


def _more(logs: int) -> str:
    return f"… and {phrases.count(logs, 'more log record')}" if logs else ""


def _lane(
    lane: Lane,
    story: Story,
    scale: TimeScale,
    names: Mapping[int, str],
    logged: Mapping[int, Mapping[str, object]],
) -> dict[str, object]:
    about = [phrases.corrected(story, lane.service)]
    about.append(f"{phrases.count(lane.left_out, 'step')} not drawn" if lane.left_out else "")
    return {
        "service": phrases.name(lane.service),
        "note": ", ".join(filter(None, about)),
        "rows": len(lane.rows),
        "bars": [
            _drawn(bar, scale)
            | {"row": row, "id": names[id(bar)], "label": _operation(bar.line)}
            | {"logs": logged[id(bar)]["logs"]}
            for row, found in enumerate(lane.rows)
            for bar in found
        ],
    }


def _drawn(bar: Bar, scale: TimeScale) -> dict[str, object]:
    """Return what a lane and a row draw of a bar."""
    step = bar.line.step
    usual = None if bar.line.equal or step.usual is None else step.usual.duration_ms
    usual_wait = None if step.usual is None or bar.waited is None else step.usual.wait_ms
    return {
        "start": scale.position(bar.start),
        "end": scale.position(bar.end),
        "queued": None if bar.waited is None else scale.position(bar.begin),
        "usual": None if usual is None else scale.position(bar.start + usual),
        "usual_wait": None if usual_wait is None else scale.position(bar.begin + usual_wait),
        "sections": [list(section) for section in bar.sections(scale)],
        "failed": step.status == "error",
        "title": _title(bar),
    }


def _title(bar: Bar) -> str:
    step = bar.line.step
    parts = [f"{phrases.name(step.service)} {_operation(bar.line)}", phrases.took(bar.line)]
    parts += [f"after {formatting.duration(bar.waited)} in the queue"] if bar.waited is not None else []
    usual = None if step.usual is None else step.usual.duration_ms
    if usual is not None and step.usual is not None and not bar.line.equal:
        parts.append(f"usually {formatting.duration(usual)} ({step.usual.examples:,} traces)")
    parts += [phrases.error(step) or ""]
    return " · ".join(filter(None, parts))


def _row(bar: Bar, story: Story, scale: TimeScale, timezone: tzinfo, name: str) -> dict[str, object]:
    line, step = bar.line, bar.line.step
    caller = None
    if line.caller is not None:
        at = since_start(story, line.caller)
        caller = [scale.position(at), scale.position(at + line.caller.duration_ms)]
    parts = [
        [scale.position(at), scale.position(at + one.duration_ms)]
        for one in line.equal[:_MAX_BARS]
        for at in [since_start(story, one)]
    ]
    return _drawn(bar, scale) | {
        "id": name,
        "service": phrases.name(step.service),
        "operation": _operation(line),
        "depth": line.depth,
        "parts": parts or [[scale.position(bar.start), scale.position(bar.end)]],
        "call": caller,
        "outgoing": step.kind in ("client", "producer"),
        "duration": phrases.took(line),
        "error": phrases.error(step),
        "critical": phrases.critical_ms(line) is not None,
        "fields": _fields(bar, story, timezone),
    }


def _operation(line: Line) -> str:
    return phrases.operation(line.step) + (f" × {len(line.equal):,}" if line.equal else "")


def _fields(bar: Bar, story: Story, timezone: tzinfo) -> list[tuple[str, str]]:
    """Return all that is known of a row, with labels; only what has a value."""
    line, step = bar.line, bar.line.step
    start = since_start(story, step)
    fields = (
        ("Error", phrases.error(step)),
        ("Retries and circuit breakers", " · ".join(step.notes) or None),
        ("Stands for", phrases.details(line) if line.equal or line.small else None),
        ("Service", step.service),
        ("Operation", step.operation),
        ("Kind", step.kind),
        ("Start", _start(step, start, timezone)),
        ("Duration", _compared(step.duration_ms, step.usual.duration_ms if step.usual else None, step)),
        ("Own time", _own(step)),
        ("Time in queue", _compared(bar.waited, step.usual.wait_ms if step.usual else None, step)),
        ("Caller waited", None if line.caller is None else formatting.duration(line.caller.duration_ms)),
        ("Critical", phrases.critical(line) or None),
        ("Message", _message(step)),
        ("Consumer group", step.group),
        ("Status", step.status),
        ("Trace ID", step.trace_id),
        ("Span ID", step.span_id),
        ("Parent span ID", step.parent_id),
    )
    return [(label, printable(value)) for label, value in fields if value]


def _start(step: Step, start: float, timezone: tzinfo) -> str:
    return f"{_clocks(step.time, timezone)}, +{formatting.duration(start)}"


def _clocks(time: datetime, timezone: tzinfo) -> str:
    return f"{formatting.clock_time(time, timezone)} ({formatting.clock_time(time, UTC)} UTC)"


def _own(step: Step) -> str | None:
    if step.own_ms is None or step.own_ms == step.duration_ms:
        return None
    return _compared(step.own_ms, step.usual.own_ms if step.usual else None, step)


def _compared(ms: float | None, usual: float | None, step: Step) -> str | None:
    if ms is None:
        return None
    text = formatting.duration(ms)
    if usual is None or step.usual is None:
        return text
    return f"{text}, usually {formatting.duration(usual)} ({step.usual.examples:,} traces)"


def _message(step: Step) -> str | None:
    partition = "" if step.partition is None else f"partition {step.partition}"
    offset = "" if step.offset is None else f"offset {step.offset}"
    return " · ".join(filter(None, (step.topic or "", partition, offset))) or None
