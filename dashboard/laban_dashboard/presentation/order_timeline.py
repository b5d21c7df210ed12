"""The Order page's data: the bars of the timeline and the rows of the message table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.status_labels import STATE_COLOURS
from laban_mapper.model import GroupState, Message, Step, Story
from laban_mapper.names import shortened
from laban_mapper.story.time_scale import time_scale
from laban_mapper.story.timeline import chapters, since_start

DEFAULT_KEY = "order"
FINAL_AFTER = timedelta(minutes=2)
_MAX_UNFOLDED = 500
_MAX_ROWS = 1000
"""The most rows of a timeline; beyond them, only errors are shown, at most as many again."""


@dataclass(frozen=True, slots=True)
class CachedStory:
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


def timeline_data(story: Story, timezone: tzinfo) -> dict[str, object]:
    """Return the data for the timeline component: positions on the axis (0 to 1) and each step's details.

    Of many steps, equal ones side by side share a row, as in the terminal.
    """
    rows = _rows(story.steps)
    starts = [since_start(story, row.step) for row in rows]
    spans = [(start, start + row.step.duration_ms) for start, row in zip(starts, rows, strict=True)]
    scale = time_scale(spans)
    services = list(dict.fromkeys(row.step.service for row in rows))
    return {
        "services": services,
        "ticks": [list(tick) for tick in scale.ticks],
        "breaks": [{"start": gap.start, "end": gap.end, "label": gap.label} for gap in scale.breaks],
        "steps": [
            {
                "id": f"{step.trace_id}:{step.span_id}:{step.kind}:{step.service}",
                "service": shortened(step.service),
                "operation": shortened(step.operation) + (f" × {number:,}" if number > 1 else ""),
                "depth": step.depth,
                "start": scale.position(start),
                "end": scale.position(end),
                "queued": None if step.wait_ms is None else scale.position(start - step.wait_ms),
                "duration": formatting.duration(step.duration_ms),
                "wait": None if step.wait_ms is None else formatting.duration(step.wait_ms),
                "caller": step.kind in ("client", "producer"),
                "error": _error(step),
                "critical": step.critical,
                "fields": _fields(step, start, timezone),
            }
            for (step, number), (start, end) in zip(rows, spans, strict=True)
        ],
    }


def message_rows(messages: Sequence[Message], timezone: tzinfo) -> list[dict[str, str]]:
    """Return one row per message and consumer group, in Markdown; problems come first."""
    rows = [(message, group) for message in messages for group in message.groups]
    severity = {"failed": 0, "dead-lettered": 0, "waiting": 1, "untraced": 2, "unseen": 2}
    rows.sort(key=lambda row: (severity.get(row[1].state, 3), row[0].published, row[1].group))
    read = [_message_row(message, group, timezone) for message, group in rows]
    unread = [message for message in messages if not message.groups]
    return read + [_unread_row(message, timezone) for message in unread]


class _Row(NamedTuple):
    """A row of the timeline: a step, and for how many equal steps it stands."""

    step: Step
    number: int


def _rows(steps: Sequence[Step]) -> list[_Row]:
    if len(steps) <= _MAX_UNFOLDED:
        return [_Row(step, 1) for step in steps]
    lines = [line for chapter in chapters(steps) for line in chapter.lines]
    first = lines[:_MAX_ROWS]
    errors = [line for line in lines[_MAX_ROWS:] if line.step.error][:_MAX_ROWS]
    return [_Row(line.step, max(1, len(line.equal))) for line in first + errors]


def _error(step: Step) -> str | None:
    return (step.error or "error") if step.status == "error" else None


def _fields(step: Step, start: float, timezone: tzinfo) -> list[tuple[str, str]]:
    """Return all fields of a step that have a value, with their labels."""
    partition = "" if step.partition is None else f"partition {step.partition}"
    offset = "" if step.offset is None else f"offset {step.offset}"
    message = " · ".join(part for part in (step.topic or "", partition, offset) if part)
    fields = (
        ("Error", _error(step)),
        ("Retries and circuit breakers", " · ".join(step.notes) or None),
        ("Service", step.service),
        ("Operation", step.operation),
        ("Kind", step.kind),
        ("Start", f"{formatting.clock_time(step.time, timezone)} (+{formatting.duration(start)})"),
        ("Duration", formatting.duration(step.duration_ms)),
        ("Time in queue", None if step.wait_ms is None else formatting.duration(step.wait_ms)),
        ("Message", message or None),
        ("Consumer group", step.group),
        ("Status", step.status),
        ("Critical path", "yes" if step.critical else None),
        ("Trace ID", step.trace_id),
        ("Span ID", step.span_id),
        ("Parent span ID", step.parent_id),
    )
    return [(label, value) for label, value in fields if value]


def _message_row(message: Message, group: GroupState, timezone: tzinfo) -> dict[str, str]:
    return _message_cells(message, timezone) | {
        "Consumer group": formatting.escape_markdown(shortened(group.group)),
        "State": f":{STATE_COLOURS[group.state]}-badge[{group.state}]",
        "Details": formatting.escape_markdown(_group_progress(group)),
    }


def _unread_row(message: Message, timezone: tzinfo) -> dict[str, str]:
    return _message_cells(message, timezone) | {
        "Consumer group": formatting.NO_VALUE,
        "State": ":gray-badge[unread]",
        "Details": "no known consumer group reads this topic",
    }


def _message_cells(message: Message, timezone: tzinfo) -> dict[str, str]:
    """Return the cells that identify a message: topic, partition and offset, time and publisher."""
    position = "" if message.offset is None else f" {message.partition}/{message.offset}"
    publisher = formatting.escape_markdown(shortened(message.service))
    return {
        "Message": formatting.escape_markdown(f"{shortened(message.topic)}{position}"),
        "Published": f"{formatting.clock_time(message.published, timezone)} by {publisher}",
    }


def _group_progress(group: GroupState) -> str:
    """Describe what a consumer group has done with a message."""
    if group.state == "waiting":
        ahead = formatting.count(group.messages_ahead or 0, "message")
        about = "" if group.waiting_ms is None else f", about {formatting.duration(group.waiting_ms)}"
        return f"waiting behind {ahead}{about}"
    if group.state == "untraced":
        return "committed past this message, but sent no span"
    if group.state == "unseen":
        return "reads this topic; progress unknown"
    details = [
        f"waited {formatting.duration(group.wait_ms)}",
        f"took {formatting.duration(group.duration_ms)}",
    ]
    if group.attempts > 1:
        details.append(formatting.count(group.attempts, "attempt"))
    if group.error:
        details.append(group.error)
    return ", ".join(details)
