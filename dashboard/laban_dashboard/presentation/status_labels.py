"""Labels, colours and explanations of Burrow's lag statuses, order outcomes and message states."""

from typing import Final

STATUS_COLOURS: Final = {
    "OK": "green",
    "WARN": "orange",
    "STALL": "orange",
    "STOP": "red",
    "REWIND": "violet",
}
STATUS_MEANINGS: Final = {
    "OK": "The group keeps up: its lag is zero or falls regularly.",
    "WARN": "The group commits offsets, but its lag grows: it is slower than the producers.",
    "STALL": "The group commits the same offset repeatedly while messages wait: it is running but stuck.",
    "STOP": "The group has not committed an offset recently although messages wait: it is down.",
    "REWIND": "The group committed a lower offset than before: someone reset it, so it reads messages again.",
}
OUTCOME_COLOURS: Final = {
    "ok": "green",
    "ok_with_errors": "orange",
    "failed": "red",
    "waiting": "orange",
    "incomplete": "gray",
}
OUTCOME_LABELS: Final = {"ok_with_errors": "ok with errors"}
"""For outcomes with another name in JSON."""
OUTCOME_ICONS: Final = {
    "ok": ":material/check_circle:",
    "ok_with_errors": ":material/rule:",
    "failed": ":material/error:",
    "waiting": ":material/hourglass_top:",
    "incomplete": ":material/help:",
}
STATE_MEANINGS: Final = {
    "processed": "The group processed the message.",
    "failed": "The group's message handler failed.",
    "retried": "The group processed the message after more than one attempt.",
    "dead-lettered": "The group gave up and published the message to a dead-letter topic.",
    "duplicated": "The group processed the message more than once.",
    "waiting": "The group's committed offset is still before the message.",
    "untraced": "The group's committed offset is past the message, but the group sent no span for it.",
    "unseen": "The group's progress on this message is unknown.",
}
STATE_COLOURS: Final = {
    "processed": "green",
    "failed": "red",
    "retried": "orange",
    "dead-lettered": "red",
    "duplicated": "orange",
    "waiting": "violet",
    "untraced": "gray",
    "unseen": "gray",
}


def status_badge(status: str) -> str:
    """Format a lag status as a coloured badge in Markdown."""
    return f":{STATUS_COLOURS.get(status, 'gray')}-badge[{status}]"
