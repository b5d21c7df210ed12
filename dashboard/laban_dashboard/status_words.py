"""Burrow's words for the lag of a consumer group, and the outcomes of an order, as people read them."""

from typing import Final

STATUS_COLOURS: Final = {
    "OK": "green",
    "WARN": "orange",
    "STALL": "orange",
    "STOP": "red",
    "REWIND": "violet",
}
STATUS_MEANINGS: Final = {
    "OK": "keeps up: the lag is zero, or falls again and again.",
    "WARN": "consumes and commits, but the lag keeps growing: it is slower than the producers.",
    "STALL": "commits the same offset again and again while messages wait: it is alive, but stuck.",
    "STOP": "has not committed for a while though messages wait: it is down, or was never started again.",
    "REWIND": "committed an offset before its last one: somebody reset it, and messages are read again.",
}
OUTCOME_COLOURS: Final = {"ok": "green", "failed": "red", "waiting": "orange", "incomplete": "gray"}
OUTCOME_ICONS: Final = {
    "ok": ":material/check_circle:",
    "failed": ":material/error:",
    "waiting": ":material/hourglass_top:",
    "incomplete": ":material/help:",
}
STATE_MEANINGS: Final = {
    "processed": "handled by the group",
    "failed": "the group's handler failed",
    "retried": "handled after more than one attempt",
    "dead-lettered": "given up and published to a dead-letter topic",
    "duplicated": "handled more than once",
    "waiting": "not reached yet: the group's committed offset is before it",
    "untraced": "the group has committed past it, but sent no span for it",
    "unseen": "nothing is known of this group's progress on it",
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


def badge(status: str) -> str:
    """A status as a coloured badge, in Markdown."""
    return f":{STATUS_COLOURS.get(status, 'gray')}-badge[{status}]"
