"""Conversions between stored nanoseconds, UTC times, and the times and durations that people read."""

import re
from datetime import UTC, datetime, timedelta

from laban_collector.store.rows import ALL_STARTS, plausible_starts
from laban_mapper.errors import InvalidTimeRange
from laban_mapper.spans import NS_PER_S

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(2262, 1, 1, tzinfo=UTC)
_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def utc_time(ns: int) -> datetime:
    """Nanoseconds since the epoch as a UTC time, rounded down to microseconds."""
    seconds, rest = divmod(ns, NS_PER_S)
    return datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=rest // 1000)


def time_range(first: datetime, last: datetime) -> str:
    """Two UTC times as `2026-11-29 11:18:22 to 11:19:03 UTC`; the second has a date on another day."""
    until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} to {until} UTC"


def nanoseconds(time: datetime) -> int:
    """A time as nanoseconds since the epoch; a time without a zone is UTC."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    whole = int(time.replace(microsecond=0).timestamp())
    return whole * NS_PER_S + time.microsecond * 1000


def is_implausible(start: int, now: int) -> bool:
    """Whether a start, in ns, lies before 2000 or more than an hour after `now`."""
    since, until = plausible_starts(now)
    return not since <= start < until


def storable(ns: int) -> int:
    """The nearest time, in ns, that a store can contain."""
    return min(max(ns, ALL_STARTS[0]), ALL_STARTS[1])


def default_end(now: int, newest: int | None, length: int) -> int:
    """Where a time range without an end ends: now; an old recording is shown at its newest span instead.

    Args:
        now: ns since the epoch.
        newest: the newest plausible start, if any. Other clocks may be ahead, by up to an hour.
        length: of the time range, in ns.
    """
    if newest is None:
        return now
    return newest + 1 if newest < now - length else max(now, newest + 1)


def parse_time(text: str, now: datetime) -> datetime:
    """Parse `15m` (ago), `2h`, `7d`, `now` or ISO 8601 into a UTC time.

    Raises:
        InvalidTimeRange: the text has another form, or the time is out of range.
    """
    text = text.strip()
    if text == "now":
        return now
    try:
        ago = _AGO.fullmatch(text)
        if ago:
            time = now - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        else:
            time = datetime.fromisoformat(text)
            time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except ValueError:
        raise InvalidTimeRange(
            f"'{text}' is not a time. Give how long ago (90s, 15m, 2h, 7d), 'now', "
            "or ISO 8601 (2026-11-23T09:30:00Z)."
        ) from None
    except OverflowError:
        time = datetime.min.replace(tzinfo=UTC)
    if not _FIRST <= time <= _LAST:
        raise InvalidTimeRange(f"'{text}' is before 1970 or after 2262: no span can start then.")
    return time


def format_duration(ms: float) -> str:
    """A duration for people: `0.4 ms`, `84 ms`, `2.0 s`, `3 min 20 s`, `2 h 5 min`."""
    if ms < 10:
        return f"{ms:.1f} ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"
