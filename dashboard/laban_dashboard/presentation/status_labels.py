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
    "OK": "The group keeps up, or reduces its lag.",
    "WARN": "The group commits offsets, but its lag grows: it is slower than the producers.",
    "STALL": "Messages wait, but the group has committed nothing for longer than usual. It still has "
    "members, or no message has come since: it is stuck.",
    "STOP": "Messages keep coming, but the group has committed nothing for longer than usual, and no member "
    "is known: it has stopped.",
    "REWIND": "The group committed a lower offset than before, or is past the end of a topic made anew.",
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
STATE_TONES: Final = {
    "processed": "good",
    "failed": "bad",
    "retried": "warn",
    "dead-lettered": "bad",
    "duplicated": "warn",
    "waiting": "waiting",
    "untraced": "unknown",
    "unseen": "unknown",
}


def status_badge(status: str | None) -> str:
    """Format a lag status as a coloured badge in Markdown; None: it could not be read."""
    return f":{STATUS_COLOURS.get(status or '', 'gray')}-badge[{status or 'unknown'}]"


def status_meaning(status: str | None) -> str:
    """Explain a lag status in a sentence, in Markdown."""
    if status is None:
        return "The offsets of the group could not be read."
    return f"**{status}**: {STATUS_MEANINGS[status]}"
