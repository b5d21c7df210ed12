"""From a story to what the Order page shows: the bars of the timeline and the rows of the messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from laban_dashboard import words
from laban_dashboard.status_words import STATE_COLOURS
from laban_dashboard.time_scale import time_scale
from laban_mapper.model import GroupState, Message, Step, Story

DEFAULT_KEY = "order"
SETTLED_AFTER = timedelta(minutes=2)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Kept:
    """A story that was asked for, and until when it need not be asked for again."""

    key: str
    value: str
    until: datetime
    story: Story


def asked_for(text: str) -> tuple[str, str]:
    """What was typed: `1001` is an order, `customer=42` another business key."""
    key, equals, value = text.strip().partition("=")
    if equals and key.strip() and value.strip():
        return key.strip(), value.strip()
    return DEFAULT_KEY, text.strip()


def settled(story: Story, now: datetime) -> bool:
    """Whether nothing more is to be expected, so that the page need not ask again and again."""
    ended = story.started + timedelta(milliseconds=story.duration_ms)
    return story.outcome in ("ok", "failed") and now - ended > SETTLED_AFTER


def bars(story: Story, where: tzinfo) -> dict[str, object]:
    """What the timeline component draws: places from 0 to 1 on the time axis, and each step's details."""
    spans = [(_offset(step, story), _offset(step, story) + step.duration_ms) for step in story.steps]
    scale = time_scale(spans)
    services = list(dict.fromkeys(step.service for step in story.steps))
    return {
        "services": services,
        "ticks": [list(tick) for tick in scale.ticks],
        "cuts": [{"start": cut.start, "end": cut.end, "label": cut.label} for cut in scale.cuts],
        "steps": [
            {
                "id": f"{step.trace_id}:{step.span_id}:{step.kind}",
                "service": step.service,
                "operation": step.operation,
                "depth": step.depth,
                "start": scale.place(start),
                "end": scale.place(end),
                "queued": None if step.wait_ms is None else scale.place(start - step.wait_ms),
                "took": words.duration(step.duration_ms),
                "waited": None if step.wait_ms is None else words.duration(step.wait_ms),
                "caller": step.kind in ("client", "producer"),
                "error": _error(step),
                "critical": step.critical,
                "fields": _fields(step, start, where),
            }
            for step, (start, end) in zip(story.steps, spans, strict=True)
        ],
    }


def message_rows(messages: Sequence[Message], where: tzinfo) -> list[dict[str, str]]:
    """One row for each message and group, in Markdown, what needs attention first."""
    rows = [(message, group) for message in messages for group in message.groups]
    trouble = {"failed": 0, "dead-lettered": 0, "waiting": 1, "untraced": 2, "unseen": 2}
    rows.sort(key=lambda row: (trouble.get(row[1].state, 3), row[0].published, row[1].group))
    told = [_message_row(message, group, where) for message, group in rows]
    unread = [message for message in messages if not message.groups]
    return told + [_unread_row(message, where) for message in unread]


def _offset(step: Step, story: Story) -> float:
    """Milliseconds from the story's start; a clock that is behind gives no negative one."""
    return max(0.0, (step.time - story.started) / _MS)


def _error(step: Step) -> str | None:
    return (step.error or "error") if step.status == "error" else None


def _fields(step: Step, start: float, where: tzinfo) -> list[tuple[str, str]]:
    """Every field of a step that has a value, with its label."""
    partition = "" if step.partition is None else f"partition {step.partition}"
    offset = "" if step.offset is None else f"offset {step.offset}"
    message = " · ".join(part for part in (step.topic or "", partition, offset) if part)
    fields = (
        ("Error", _error(step)),
        ("Service", step.service),
        ("Operation", step.operation),
        ("Kind", step.kind),
        ("Started", f"{words.clock(step.time, where)} (+{words.duration(start)})"),
        ("Took", words.duration(step.duration_ms)),
        ("Waited in the queue", None if step.wait_ms is None else words.duration(step.wait_ms)),
        ("Message", message or None),
        ("Consumer group", step.group),
        ("Status", step.status),
        ("Critical path", "yes" if step.critical else None),
        ("Trace", step.trace_id),
        ("Span", step.span_id),
        ("Parent", step.parent_id),
    )
    return [(label, value) for label, value in fields if value]


def _message_row(message: Message, group: GroupState, where: tzinfo) -> dict[str, str]:
    return {
        "Message": _address(message),
        "Published": f"{words.clock(message.published, where)} by {words.plain(message.service)}",
        "Group": words.plain(group.group),
        "State": f":{STATE_COLOURS[group.state]}-badge[{group.state}]",
        "What happened": words.plain(_became(group)),
    }


def _unread_row(message: Message, where: tzinfo) -> dict[str, str]:
    return {
        "Message": _address(message),
        "Published": f"{words.clock(message.published, where)} by {words.plain(message.service)}",
        "Group": words.UNKNOWN,
        "State": ":gray-badge[unread]",
        "What happened": "no consumer group of this topic is known",
    }


def _address(message: Message) -> str:
    place = "" if message.offset is None else f" {message.partition}/{message.offset}"
    return words.plain(f"{message.topic}{place}")


def _became(group: GroupState) -> str:
    """One group's doing with one message, in words."""
    if group.state == "waiting":
        ahead = words.count(group.messages_ahead or 0, "message")
        about = f", about {words.duration(group.seconds_ahead * 1000)}" if group.seconds_ahead else ""
        return f"waiting behind {ahead}{about}"
    if group.state == "untraced":
        return "the group has read past it, but sent no span"
    if group.state == "unseen":
        return "the group reads this topic; nothing is known of this message"
    told = [f"waited {words.duration(group.wait_ms)}", f"took {words.duration(group.duration_ms)}"]
    if group.attempts > 1:
        told.append(words.count(group.attempts, "attempt"))
    if group.error:
        told.append(group.error)
    return ", ".join(told)
