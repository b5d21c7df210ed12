"""Formats numbers, durations and times, and escapes text for Markdown."""

import re
from datetime import UTC, date, datetime, time, tzinfo

from laban_mapper.printable import printable
from laban_mapper.times import format_duration

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&@/])")
_NOTHING = ":small[]"
"""An element without a text: in the middle of a bare URL or an address of mail, it keeps Markdown from taking
that for a link, which escapes do not."""
_LINKS = re.compile(r"(?<=\\:\\/)(?=\\/)|(?<=\\@)|(?<=ww)(?=w)", re.IGNORECASE)
"""Where it must be, in escaped text: in `://`, after `@`, and in `www`."""
_UTC_TIMES = re.compile(r"(?:(\d{4}-\d\d-\d\d) )?\b(\d\d:\d\d(?::\d\d)?)(?: to (\d\d:\d\d(?::\d\d)?))? UTC\b")
_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:ms|s|min|h)\b|%)")
NO_VALUE = "–"


def escape_markdown(text: str) -> str:
    """Escape text from the data so that Streamlit's Markdown shows it literally.

    An error message can contain anything, for example an image link that makes the browser call a foreign
    host, or a URL that looks like a link of the dashboard.
    """
    return _escaped(plain(text))


def with_commands(text: str) -> str:
    """Escape a text of laban for Markdown; what stands between backticks is a command, and shown as code."""
    parts = plain(text).split("`")
    if len(parts) % 2 == 0:  # not a text with pairs of them
        return escape_markdown(text)
    return "".join(f"`{part}`" if part and at % 2 else _escaped(part) for at, part in enumerate(parts))


def unbroken(text: str) -> str:
    """Keep numbers and their units in one line."""
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", text)


def in_timezone(text: str, near: datetime, timezone: tzinfo) -> str:
    """Return a sentence with its times in UTC, such as `since 10:41:51 UTC`, in the time zone of the reader.

    Args:
        text: the sentence.
        near: a time on the day of those that have no date.
        timezone: that of the reader.
    """

    def moved(found: re.Match[str]) -> str:
        day, *times = found.groups()
        try:
            date = near.astimezone(UTC).date() if day is None else datetime.fromisoformat(day).date()
            moments = [datetime.combine(date, time.fromisoformat(one), UTC) for one in times if one]
        except ValueError:  # a text from the data, such as 99:99 UTC
            return found.group()
        clock = "%H:%M:%S" if times[0].count(":") == 2 else "%H:%M"
        first, *more = (moment.astimezone(timezone) for moment in moments)
        shown = [first.strftime(clock if day is None else f"%Y-%m-%d {clock}")]
        return " to ".join([*shown, *(one.strftime(clock) for one in more)])

    return _UTC_TIMES.sub(moved, text)


def capitalized(text: str, *names: str) -> str:
    """Begin a sentence with a capital letter, unless with one of these names, which are as they were sent."""
    return text if text.startswith(tuple(filter(None, names))) else text[:1].upper() + text[1:]


def plain(text: str) -> str:
    """Return text from the data in one line, for places that show it as it is."""
    return printable(" ".join(text.split()))


def _escaped(text: str) -> str:
    return _LINKS.sub(_NOTHING, _MARKDOWN.sub(r"\\\1", unbroken(text)))


def duration(ms: float | None) -> str:
    """Format milliseconds; a dash if there is no value."""
    return NO_VALUE if ms is None else format_duration(ms)


def rate(calls: float, seconds: float) -> str:
    """Format calls per `seconds` as a rate: `3.2/s`, `12/min`, `4/h`."""
    if seconds <= 0:
        return str(calls)
    for unit, length in (("s", 1.0), ("min", 60.0)):
        value = calls / seconds * length
        if value >= 1:
            return f"{value:.1f}/{unit}" if value < 10 else f"{value:,.0f}/{unit}"
    return f"{calls / seconds * 3600:.0f}/h"


def percentage(part: int, whole: int) -> str:
    """Format a ratio as a percentage: `0 %`, `0.4 %`, `12 %`."""
    if not whole or not part:
        return "0 %"
    percent = 100 * part / whole
    return "< 0.1 %" if percent < 0.1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Format a number with its noun: `1 call`, `1,204 calls`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def age(then: datetime, now: datetime) -> str:
    """Format the time that has passed: `just now`, `12 s ago`, `3 min ago`."""
    seconds = (now - then).total_seconds()
    if seconds < 3:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    for limit, length, unit in ((3600, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds / 86400:.0f} days ago"


def clock_time(moment: datetime, timezone: tzinfo) -> str:
    """Format a time of day with milliseconds: `12:03:04.123`."""
    return moment.astimezone(timezone).strftime("%H:%M:%S.%f")[:-3]


def utc_range(since: datetime, until: datetime) -> str:
    """Format a time range in UTC: `2026-11-28 12:00:05 – 12:15:05 UTC`."""
    start, end = since.astimezone(UTC), until.astimezone(UTC)
    ends = "%H:%M:%S" if start.date() == end.date() else "%Y-%m-%d %H:%M:%S"
    return f"{start:%Y-%m-%d %H:%M:%S} – {end.strftime(ends)} UTC"


def time_range(since: datetime, until: datetime, timezone: tzinfo, today: date | None = None) -> str:
    """Format a time range: `12:00:05 – 12:15:05`, with the date if it is of another day, or of several.

    Args:
        since: its start.
        until: its end.
        timezone: of the reader.
        today: the date in that zone; None: of the clock.
    """
    start, end = since.astimezone(timezone), until.astimezone(timezone)
    today = today or datetime.now(timezone).date()
    day = "%-d %b" if start.year == today.year else "%-d %b %Y"
    if start.date() != end.date():
        return f"{start.strftime(day)} {start:%H:%M} – {end.strftime(day)} {end:%H:%M}"
    times = f"{start:%H:%M:%S} – {end:%H:%M:%S}"
    return times if start.date() == today else f"{start.strftime(day)} {times}"
