"""Numbers and times in the words that every page uses, and text made safe for Markdown."""

import re
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from laban_mapper.times import format_duration

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/])")
UNKNOWN = "–"


def plain(text: str) -> str:
    """Text from the data, escaped so that Streamlit's Markdown shows it as it is.

    An error message may hold anything, also an image link that would make the browser call a stranger. A bare
    address still becomes a link, which does nothing until it is clicked.
    """
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))


def duration(ms: float | None) -> str:
    """Milliseconds for people; a dash where nothing was measured."""
    return UNKNOWN if ms is None else format_duration(ms)


def rate(calls: int, seconds: float) -> str:
    """Calls in a window as a rate: `3.2/s`, `12/min`, `4/h`."""
    if seconds <= 0:
        return str(calls)
    for unit, length in (("s", 1.0), ("min", 60.0)):
        value = calls / seconds * length
        if value >= 1:
            return f"{value:.1f}/{unit}" if value < 10 else f"{value:,.0f}/{unit}"
    return f"{calls / seconds * 3600:.0f}/h"


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent: `0 %`, `0.4 %`, `12 %`."""
    if not whole or not part:
        return "0 %"
    per_cent = 100 * part / whole
    return "< 0.1 %" if per_cent < 0.1 else f"{per_cent:.1f} %" if per_cent < 10 else f"{per_cent:.0f} %"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 call`, `1,204 calls`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def ago(then: datetime, now: datetime) -> str:
    """How long ago: `just now`, `12 s ago`, `3 min ago`."""
    seconds = (now - then).total_seconds()
    if seconds < 3:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    for limit, length, unit in ((3600, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds / 86400:.0f} days ago"


def zone() -> tzinfo:
    """The time zone of the browser; UTC where it is not known."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def clock(time: datetime, where: tzinfo) -> str:
    """A time of day, with milliseconds: `12:03:04.123`."""
    return time.astimezone(where).strftime("%H:%M:%S.%f")[:-3]


def span_of_time(since: datetime, until: datetime, where: tzinfo) -> str:
    """A window: `12:00:05 – 12:15:05`, with dates where it is not within one day."""
    start, end = since.astimezone(where), until.astimezone(where)
    pattern = "%H:%M:%S" if start.date() == end.date() else "%-d %b %H:%M"
    return f"{start.strftime(pattern)} – {end.strftime(pattern)}"
