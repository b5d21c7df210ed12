"""The messages of an order, and what each consumer group has done with them."""

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import Final

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.status_labels import STATE_MEANINGS, STATE_TONES
from laban_mapper.model import GroupState, Message
from laban_mapper.names import shortened
from laban_mapper.story.forms import phrases

_MAX_ROWS: Final = 200
_SEVERITY: Final = {"failed": 0, "dead-lettered": 0, "waiting": 1, "untraced": 2, "unseen": 2}
_REST: Final = 3


def message_table_data(messages: Sequence[Message], timezone: tzinfo) -> dict[str, object]:
    """Return the data for the component: one row per message and consumer group; problems come first."""
    pairs = [(message, group) for message in messages for group in message.groups]
    pairs.sort(key=lambda pair: (_SEVERITY.get(pair[1].state, _REST), pair[0].published, pair[1].group))
    found = [*pairs, *((message, None) for message in messages if not message.groups)]
    rest = len(found) - _MAX_ROWS
    return {
        "rows": [_row(message, group, timezone) for message, group in found[:_MAX_ROWS]],
        "more": f"… and {phrases.count(rest, 'more row')}: see the downloads." if rest > 0 else "",
    }


def _row(message: Message, group: GroupState | None, timezone: tzinfo) -> dict[str, str]:
    position = "" if message.offset is None else f" {message.partition}@{message.offset}"
    exactly = "" if message.offset is None else f"partition {message.partition}, offset {message.offset}"
    local = formatting.clock_time(message.published, timezone)
    return {
        "message": f"{formatting.plain(shortened(message.topic))}{position}",
        "message_title": exactly,
        "published": f"{local} by {formatting.plain(shortened(message.service))}",
        "published_title": f"{message.published.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC",
        **(_unread() if group is None else _state(group)),
    }


def _unread() -> dict[str, str]:
    return {
        "group": formatting.NO_VALUE,
        "state": "unread",
        "state_title": "",
        "tone": "unknown",
        "details": "no known consumer group reads this topic",
    }


def _state(group: GroupState) -> dict[str, str]:
    return {
        "group": formatting.plain(shortened(group.group)),
        "state": group.state,
        "state_title": STATE_MEANINGS[group.state],
        "tone": STATE_TONES[group.state],
        "details": formatting.unbroken(formatting.plain(_group_progress(group))),
    }


def _group_progress(group: GroupState) -> str:
    """Describe what a consumer group has done with a message."""
    if group.state == "waiting":
        ahead = formatting.count(group.messages_ahead or 0, "message")
        behind = f"waiting behind {ahead}" if group.messages_ahead else "waiting, next in line"
        about = "" if group.waiting_ms is None else f", about {formatting.duration(group.waiting_ms)}"
        return behind + about
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
