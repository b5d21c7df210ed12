"""The messages of an order, and what each consumer group has done with them."""

from collections.abc import Sequence
from datetime import tzinfo

from laban_dashboard.presentation import formatting
from laban_dashboard.presentation.status_labels import STATE_COLOURS
from laban_mapper.model import GroupState, Message
from laban_mapper.names import shortened


def message_rows(messages: Sequence[Message], timezone: tzinfo) -> list[dict[str, str]]:
    """Return one row per message and consumer group, in Markdown; problems come first."""
    rows = [(message, group) for message in messages for group in message.groups]
    severity = {"failed": 0, "dead-lettered": 0, "waiting": 1, "untraced": 2, "unseen": 2}
    rows.sort(key=lambda row: (severity.get(row[1].state, 3), row[0].published, row[1].group))
    read = [_message_row(message, group, timezone) for message, group in rows]
    unread = [message for message in messages if not message.groups]
    return read + [_unread_row(message, timezone) for message in unread]


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
